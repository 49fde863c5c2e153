"""The CBOR of an opened batch: decoded by cbor2 for speed, as strictly as by wum_shared.cbor.

cbor2 alone is lenient. Here tags are refused before they build anything, and what was decoded
must encode again to the very same bytes: that leaves out numbers that are not in their shortest
form and whatever else has two encodings. Types are checked by whoever reads a field.
"""

from typing import NoReturn

import cbor2

from wum_shared.batch import BATCH_BYTES_MAX
from wum_shared.batch import batch_fields as known_fields
from wum_shared.errors import Malformed

_DEPTH_MAX = 8      # As wum_shared.cbor; a batch nests 2 deep.

# Tags that cbor2 would turn into objects of its own; every other one goes to the tag hook.
_BUILT_IN_TAGS = (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 100, 256, 258, 260, 261, 1004,
                  43000, 55799)


def _no_tag(*_: object) -> NoReturn:
    raise cbor2.CBORDecodeError("a tag has no place here")


_REFUSALS = dict.fromkeys(_BUILT_IN_TAGS, _no_tag)


def batch_fields(data: bytes) -> list[object]:
    """The fields of an opened batch, their types unchecked; the first is its version, 0 or 1.

    Raises Malformed, and Unsupported for another version of the contract.
    """
    return known_fields(_decoded(data))[1]


def leading_fields(data: bytes) -> list[object] | None:
    """The fields of any version of a batch, when it is a list; None when it is not readable."""
    try:
        value = _decoded(data)
    except Malformed:
        return None
    return value if type(value) is list else None


def _decoded(data: bytes) -> object:
    if len(data) > BATCH_BYTES_MAX:
        raise Malformed("batch: %d bytes, at most %d are read" % (len(data), BATCH_BYTES_MAX))
    try:
        value = cbor2.loads(
            data, max_depth=_DEPTH_MAX, allow_indefinite=False, allow_duplicate_keys=False,
            semantic_decoders=_REFUSALS, tag_hook=_no_tag)
        again = cbor2.dumps(value, canonical=True)
    except (cbor2.CBORError, ValueError, OverflowError, TypeError) as error:
        raise Malformed("batch: not the CBOR of this contract: %s" % error) from error
    if again != data:
        raise Malformed("batch: not deterministic CBOR, or bytes after the end")
    return value
