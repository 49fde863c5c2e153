"""NumPy arrays as parameters of queries: int64 becomes bigint[], without an object per number.

Left out: results, which come as lists. PostgreSQL's binary format of a one-dimensional array.
"""

import struct

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_INT8, _INT8_ARRAY = 20, 1016
_ELEMENT = np.dtype([("size", ">i4"), ("value", ">i8")])


class _Int64s(Dumper):
    """One dimension, no nulls; an array that is empty has no dimension."""

    format = Format.BINARY
    oid = _INT8_ARRAY

    def dump(self, obj: NDArray[np.int64]) -> Buffer:
        """Header, then each element with its size."""
        assert obj.dtype == np.int64 and obj.ndim == 1
        if not len(obj):
            return struct.pack(">iii", 0, 0, _INT8)
        elements = np.empty(len(obj), _ELEMENT)
        elements["size"] = 8
        elements["value"] = obj
        return struct.pack(">iiiii", 1, 0, _INT8, len(obj), 1) + elements.tobytes()


def register_arrays() -> None:
    """From now on every new connection takes arrays of int64."""
    psycopg.adapters.register_dumper(np.ndarray, _Int64s)
