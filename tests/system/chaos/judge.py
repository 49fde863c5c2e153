"""What must hold at every moment of a run, and what once it is calm again.

Safety: nothing is stored twice, altered or invented, and no cursor is ahead of the database.
Completeness: every record that an archive confirmed is in the database, in the quarantine, or on
a card that was taken away.
"""

from collections import Counter

from tests.system.chaos.memory_store import Key, Tables
from wum_cloud.ingest.quarantine.entries import BATCH, MISSED, READINGS
from wum_shared import cbor
from wum_shared.batch import Event, Missed, Row, decode_batch, peek_batch
from wum_shared.messages import Register, Schema
from wum_simulator.chaos.gateway import PERIOD_S, Gateway, Said, Violation, said

_PLACES = {bytes([1, 0, 1 + place, 8, 0, 255]): place for place in range(3)}


class Judge:
    """Looks at gateways and tables; raises Violation."""

    def __init__(
            self, tables: Tables, gateways: list[Gateway],
            forgiven: dict[tuple[int, bytes], set[int]], lost_rows: set[Key]) -> None:
        self._tables = tables
        self._forgiven = forgiven        # What was committed before a database was lost.
        self._lost_rows = lost_rows      # Rows that were taken out of the database.
        self._gateways = gateways
        self._numbers = {gateway.number: number
                         for number, gateway in enumerate(gateways, start=1)}

    def cursors(self) -> None:
        """No gateway counts as delivered what is not committed."""
        for gateway in self._gateways:
            archive = gateway.archive
            if archive is None or not archive.cursor:
                continue
            key = (self._numbers[gateway.number], archive.incarnation)
            stored = self._tables.archives[key].prefix_with(self._forgiven.get(key, set()))
            if archive.cursor > stored:
                raise Violation("cursor of %r leads: %d, and %d is committed" % (
                    gateway, archive.cursor, stored))

    def stored(self) -> None:
        """Each value stands once, and was offered by a gateway exactly so."""
        offered: set[Said] = set().union(*[gateway.truth.offered for gateway in self._gateways])
        for key, contents in self._tables.readings.items():
            if len(contents) != 1:
                raise Violation("a row is stored %d times: %r" % (len(contents), key))
        for one, times in self._stored().items():
            if one not in offered:
                raise Violation("stored, and never read: %r" % (one,))
            if times != 1:
                raise Violation("stored %d times: %r" % (times, one))

    def complete(self) -> None:
        """Every confirmed record has arrived."""
        stored = set(self._stored()) | set(self._quarantined_values())
        missed = self._missed()
        for gateway in self._gateways:
            number = self._numbers[gateway.number]
            for (incarnation, sequence), record in gateway.truth.confirmed.items():
                if incarnation in gateway.truth.wiped:
                    continue
                if type(record) is Row:
                    there = all(one in stored for one in said(
                        gateway.serial(record.meter), record))
                elif type(record) is Missed:
                    there = (gateway.serial(record.meter), record.captured_at_s) in missed
                else:
                    there = self._has_event(number, incarnation, sequence, record)
                if not there and not self._is_excused(gateway, incarnation, sequence, record):
                    raise Violation("%r: number %d of %s is not stored: %r" % (
                        gateway, sequence, incarnation.hex(), record))

    def _is_excused(
            self, gateway: Gateway, incarnation: bytes, sequence: int,
            record: Row | Missed | Event) -> bool:
        """Whether the head-end knows why this is missing, and that is so: the archive dropped it,
        acknowledged. Or whether no schedule can show that it is missing.
        """
        number = self._numbers[gateway.number]
        meter = 0 if type(record) is Event else (
            self._tables.meters[gateway.serial(record.meter)][0])
        if type(record) is Row and self._is_covered(meter, record.captured_at_s):
            return True
        archive = gateway.archive
        assert archive is not None
        if sequence >= archive.schemas()[0][1]:
            return False
        return sequence in self._tables.archives[number, incarnation].lost or (
            type(record) is not Event and any(
                first <= record.captured_at_s <= last and reason for first, last, reason, _ in
                self._tables.reasons.get(meter, {}).values()))

    def _is_covered(self, meter: int, at_s: int) -> bool:
        """Whether a row that was taken out of the database has another one in its interval, read
        later by a clock that had gone back: by the schedule nothing is missing there.
        """
        return (meter, at_s, 0) in self._lost_rows and any(
            one[0] == meter and one[1] // PERIOD_S == at_s // PERIOD_S
            for one in (*self._tables.readings, *self._tables.missed))

    def _stored(self) -> Counter[Said]:
        serials = {number: serial for serial, (number, _) in self._tables.meters.items()}
        found: Counter[Said] = Counter()
        for (meter, at_s, _), contents in self._tables.readings.items():
            for content in contents:
                for register, value in zip(
                        content.layout.registers, content.values, strict=True):
                    if value is not None:
                        found[serials[meter], at_s, place_of(register), value] += 1
        for meter, at_s, _, obis, value, *_ in self._tables.revisions:
            found[serials[meter], at_s, _PLACES[obis], value] += 1  # type: ignore[index]
        return found

    def _quarantined_values(self) -> list[Said]:
        found: list[Said] = []
        for aside in self._tables.quarantine.values():
            if aside.form == READINGS:
                for serial, obis, at_s, _, value, *_ in cbor.decode(
                        aside.content, most_bytes=1 << 20):  # type: ignore[attr-defined]
                    if value is not None:
                        found.append((serial, at_s, _PLACES[obis], value))
            elif aside.form == BATCH:
                schema = self._schema(peek_batch(aside.content)[3])
                for row in decode_batch(aside.content, schema).rows:
                    found += said(schema.meters[row.meter].serial, row)
        return found

    def _missed(self) -> set[tuple[str, int]]:
        serials = {number: serial for serial, (number, _) in self._tables.meters.items()}
        found = {(serials[meter], at_s) for meter, at_s, _ in self._tables.missed}
        for aside in self._tables.quarantine.values():
            if aside.form == MISSED:
                for _, meter, _, at_s, *_ in cbor.decode(
                        aside.content, most_bytes=1 << 20):  # type: ignore[attr-defined]
                    found |= {(gateway.serial(meter), at_s) for gateway in self._gateways}
        return found

    def _schema(self, name: bytes) -> Schema:
        return next(schema for (_, known), schema in self._tables.schemas.items()
                    if known == name)

    def _has_event(self, number: int, incarnation: bytes, sequence: int, event: Event) -> bool:
        return self._tables.events.get((number, incarnation, sequence)) == (
            event.at_s, event.time_quality, event.kind, event.note)


def place_of(register: Register) -> int:
    """Which of a gateway's registers this is."""
    return _PLACES[register.obis]
