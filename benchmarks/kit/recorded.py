"""Readings of 64 consumers as a concentrator would archive them, made from recorded homes.

Twelve registers: A+, A-, R+, R-, U and I of three phases, P, PF. Energy and so the power follow
the recorded series (simulator/wum_simulator/loads); what nobody recorded is derived by the seed as
in the simulator. Homes without panels are given the recorded generation of one that has some, so
that no register of any meter stands still. No Modbus here: the quantities are rounded to what a
meter's display shows, counters are cut.
"""

from dataclasses import dataclass

from wum_shared.batch import Batch, Missed, Row
from wum_shared.ids import schema_id
from wum_shared.messages import Meter, Register, RegisterSet, Schedule, Schema, encode_schema
from wum_shared.obis import obis_from_text
from wum_shared.status import ABSENT, LATE, SILENT
from wum_shared.units import unit_from_text
from wum_simulator.consumer import MICRO, Consumer
from wum_simulator.grid import Grid
from wum_simulator.quantities import is_counter, shown
from wum_simulator.town import street
from wum_simulator.world import Dice

SEED = 7
METERS = 64
START_S = 1_727_049_600      # 2024-09-23T00:00:00Z, a Monday: past on every machine that runs this.
HOUR_S = 3600
MISSED_IN = 200              # One row in so many is missed: the meter was silent.
ABSENT_IN = 200              # One in so many lacks the registers of one of its ranges.
LATE_IN = 200                # One in so many has them from a second try.
CONCENTRATOR = bytes(range(8))
INCARNATION = bytes(range(8, 16))
_ENERGIES = ("1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0")
_OTHERS = (
    ("1-0:32.7.0", -1, "V"), ("1-0:52.7.0", -1, "V"), ("1-0:72.7.0", -1, "V"),
    ("1-0:31.7.0", -2, "A"), ("1-0:51.7.0", -2, "A"), ("1-0:71.7.0", -2, "A"),
    ("1-0:16.7.0", 0, "W"), ("1-0:13.7.0", -3, ""))
_PHASE_ENERGIES = ("1-0:21.8.0", "1-0:41.8.0", "1-0:61.8.0",
                   "1-0:22.8.0", "1-0:42.8.0", "1-0:62.8.0")
_MORE = (
    ("1-0:36.7.0", 0, "W"), ("1-0:56.7.0", 0, "W"), ("1-0:76.7.0", 0, "W"),
    ("1-0:131.7.0", 0, "var"), ("1-0:9.7.0", 0, "VA"), ("1-0:14.7.0", -2, "Hz"))


@dataclass(frozen=True, slots=True)
class Recorded:
    """Rows and missed rows in the order in which they were archived, and their schema."""

    schema: Schema
    schema_name: bytes
    rows: tuple[Row, ...]
    missed: tuple[Missed, ...]

    @property
    def start_s(self) -> int:
        """When it begins, a full hour."""
        return self.schema.valid_from_s

    def moved(self, start_s: int) -> "Recorded":
        """The same, beginning at another full hour."""
        by_s = start_s - self.start_s
        schema = self.schema._replace(valid_from_s=start_s)
        return Recorded(
            schema, schema_id(encode_schema(schema)),
            tuple(r._replace(captured_at_s=r.captured_at_s + by_s) for r in self.rows),
            tuple(m._replace(captured_at_s=m.captured_at_s + by_s) for m in self.missed))

    def batch(
            self, *, first_s: int, last_s: int, meter: int | None = None,
            first_sequence: int = 1_000_001) -> Batch:
        """One batch of what was captured in first_s <= t < last_s, of all meters or of one.

        Sequence numbers run from `first_sequence`, as an archive of these records gives them.
        """
        def wanted(record: Row | Missed) -> bool:
            return first_s <= record.captured_at_s < last_s and meter in (None, record.meter)

        rows = [r for r in self.rows if wanted(r)]
        missed = [m for m in self.missed if wanted(m)]
        order = sorted([r.sequence for r in rows] + [m.sequence for m in missed])
        numbers = {old: new for new, old in enumerate(order, start=first_sequence)}
        return Batch(
            INCARNATION, first_sequence, first_sequence + len(order) - 1, self.schema_name,
            tuple(r._replace(sequence=numbers[r.sequence]) for r in rows),
            tuple(m._replace(sequence=numbers[m.sequence]) for m in missed), (), ())


def recorded(*, days: int, energy_scaler: int, more_registers: bool = False) -> Recorded:
    """64 meters read every hour for so many days; energies in 10^energy_scaler Wh.

    `more_registers`: 24 instead of 12, with energies and powers of each phase, Q, S and frequency.
    """
    registers = [(obis, energy_scaler, "Wh" if place < 2 else "varh")
                 for place, obis in enumerate(_ENERGIES)] + list(_OTHERS)
    if more_registers:
        registers += [(obis, energy_scaler, "Wh") for obis in _PHASE_ENERGIES] + list(_MORE)
    schema = _schema(registers)
    dice = Dice(SEED)
    consumers = _consumers(dice)
    rows: list[Row] = []
    missed: list[Missed] = []
    sequence = 0
    for hour in range(24 * days):
        for meter, consumer in enumerate(consumers):
            sequence += 1
            # A sweep of the line takes about 6 s at 9600 baud.
            at_s = START_S + hour * HOUR_S + meter // 11
            if not dice.below(MISSED_IN, "missed", meter, hour):
                missed.append(Missed(sequence, meter, 0, at_s, 0, SILENT, ""))
                continue
            instant = consumer.at(at_s)
            values = [_scaled(obis, shown(obis, instant), scaler)
                      for obis, scaler, _ in registers]
            rows.append(_row(dice, sequence, meter, hour, at_s, values))
    return Recorded(schema, schema_id(encode_schema(schema)), tuple(rows), tuple(missed))


def _consumers(dice: Dice) -> list[Consumer]:
    grid = Grid(dice)
    return [Consumer(dice, grid, home, first_week=week, number=number) for number, (home, week)
            in enumerate(street(dice, panels_everywhere=True)[:METERS])]


def _row(
        dice: Dice, sequence: int, meter: int, hour: int, at_s: int, values: list[int]) -> Row:
    statuses = [0] * len(values)
    kept: list[int | None] = list(values)
    if not dice.below(ABSENT_IN, "absent", meter, hour):
        statuses[:4] = [ABSENT] * 4
        kept[:4] = [None] * 4
    elif not dice.below(LATE_IN, "late", meter, hour):
        statuses[:4] = [LATE] * 4
    return Row(sequence, meter, 0, at_s, 0, tuple(kept), tuple(statuses))


def _scaled(obis: str, micro: int, scaler: int) -> int:
    unit = MICRO * int(10**scaler) if scaler >= 0 else MICRO // int(10**-scaler)
    return micro // unit if is_counter(obis) else (2 * micro + unit) // (2 * unit)


def _schema(registers: list[tuple[str, int, str]]) -> Schema:
    meters = tuple(Meter(f"SDM-{n:04d}", f"dp-{n:04d}", "display", (0,), (0,))
                   for n in range(1, METERS + 1))
    columns = tuple(Register(obis_from_text(obis), scaler, unit_from_text(unit))
                    for obis, scaler, unit in registers)
    return Schema("default", CONCENTRATOR, START_S, meters, (RegisterSet(0, columns),),
                  (Schedule(HOUR_S, 0),))
