"""Where the registers of a register set stand in `reading`: a column of their own, or `extra`.

Left out: the database. A layout has the same digest wherever it is made, so that sets of many
concentrators, and sets merged from several rows, share one row of `register_set`.
"""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from wum_cloud.registry.quantities import COLUMN_BY_OBIS
from wum_shared import cbor
from wum_shared.messages import Register
from wum_shared.obis import obis_from_text, obis_to_text


@dataclass(frozen=True)
class Layout:
    """The registers of one row, in their order. No OBIS code stands twice."""

    profile: int
    registers: tuple[Register, ...]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """For each register the column of `reading`, or `extra[n]` with n from 1."""
        columns = []
        extras = 0
        for register in self.registers:
            column = COLUMN_BY_OBIS.get(register.obis)
            if column is None:
                extras += 1
                column = "extra[%d]" % extras
            columns.append(column)
        return tuple(columns)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of profile and registers: the same layout everywhere."""
        return sha256(cbor.encode([self.profile, [list(r) for r in self.registers]])).digest()

    def described(self) -> list[dict[str, object]]:
        """As register_set.registers keeps it."""
        return [
            {"obis": obis_to_text(r.obis), "scaler": r.scaler, "unit": r.unit, "column": column}
            for r, column in zip(self.registers, self.columns, strict=True)]


def layout_from(profile: int, described: list[dict[str, Any]]) -> Layout:
    """The layout that `Layout.described` wrote."""
    return Layout(profile, tuple([
        Register(obis_from_text(r["obis"]), r["scaler"], r["unit"]) for r in described]))
