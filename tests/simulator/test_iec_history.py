"""Real models with a load profile, a log, a clock or a switch: catalogue, plan, bus and archive.

The town's meters were written from the makers' pages alone.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.edge.records import EVERYTHING, INCARNATION, STAMP, read_all
from wum_edge.archive.ring import Archive
from wum_edge.config import check
from wum_edge.meters.catalog import protocols
from wum_edge.meters.sweep import Sweep, meters_of_line
from wum_edge.meters.turn import converse
from wum_edge.meters.work import LineWork
from wum_edge.plan import plan
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.schema import profile_columns, schema
from wum_shared import status
from wum_shared.batch import Event, Missed, Row
from wum_shared.messages import encode_schema
from wum_simulator.bus import Timing
from wum_simulator.faults import Fault, Faults, Kind
from wum_simulator.flash import SimulatedFlash
from wum_simulator.meters.iec62056_21_kept import normal_time_s
from wum_simulator.town import Meter, meters
from wum_simulator.virtual_line import VirtualClock, VirtualLine
from wum_simulator.world import Dice, VirtualWorld
from wum_simulator.wrongs import Felt, What, Wrong

START_S = 1_727_100_000      # A Monday, 14:00 UTC.
HOUR_S = 3600
PROFILES = ["emh-lzqj-xc", "energomera-ce301by", "energomera-ce308", "mass-combi",
            "mass-three-phase", "metcom-mcs301"]
LOGS = ["emh-lzqj-xc", "energomera-ce308", "mass-three-phase", "metcom-mcs301"]
CLOCKS = {"mass-three-phase": 12, "energomera-ce301by": 12, "energomera-ce301": 12,
          "energomera-ce308": 12}
SWITCHES = ["energomera-ce308", "mass-three-phase"]


_catalog = cache(read_catalog)
_town = cache(lambda model: meters(Dice(7), [model], count=2))


class Bus:
    """Two meters of a model, the gateway's work of their line, and its archive."""

    def __init__(self, model: str, password: str = "00000000") -> None:
        self.world = VirtualWorld(7, START_S)
        self.meters = [Meter(was.address, was.kind, was.consumer) for was in _town(model)]
        self.faults = Faults(self.world.dice)
        self.models = _catalog()
        east_s = normal_time_s(self.meters[0].kind.own)
        self.config = check({
            "concentrator": {"name": "town", "keys": "keys", "archive": "archive"},
            "broker": {"host": "127.0.0.1", "tls": False},
            "clock_policy": {"tolerance_s": 3, "max_step_s": 10},
            "line": [{"name": "a", "port": "/dev/null", "baud": 9600}],
            "meter": [{"serial": f"M-{one.address}", "line": "a", "address": one.address,
                       "model": model, "access": {
                           "utc_offset_min": east_s // 60, "summer_time": False,
                           "password": password}} for one in self.meters],
        }, protocols(self.models))
        self.known = meters_of_line(self.config, self.models, "a")
        self.work = LineWork(Sweep("a", self.known))
        self.line = VirtualLine(self.world, self.meters, self.faults, Timing(9600, 250),
                                self.config.lines[0].setting())
        self.clock = VirtualClock(self.world)
        self.archive = Archive(SimulatedFlash(), 1 << 20, INCARNATION)
        self.schema = self.archive.keep_schema(encode_schema(
            schema(self.config, self.models, "default", b"c" * 16, START_S)))

    def sweep(self, pause_s: float = 60.0) -> list[Any]:
        """One sweep and what waits behind it, archived."""
        self.world.let_pass(self.world.elapsed_s() + pause_s)
        records = [one for one in self.work.sweep(self.line, self.clock, 3_600_000) if one]
        while (more := self.work.idle(self.line, self.clock)) is not None:
            records += more
        self.archive.append(records, self.schema, STAMP)
        return records

    def kept(self) -> list[Any]:
        """All that the archive holds, in its order."""
        found, lost = read_all(self.archive, limits=EVERYTHING)
        assert not lost
        return [found[number] for number in sorted(found)]

    def profile_rows(self, meter: int = 0) -> list[Row]:
        return [one for one in self.kept() if isinstance(one, Row) and one.meter == meter
                and any(flags & status.FROM_PROFILE for flags in one.statuses)]


@pytest.fixture
def buses() -> Iterator[list[Bus]]:
    made: list[Bus] = []
    yield made
    for one in made:
        one.world.close()


def bus(model: str, buses: list[Bus], password: str = "00000000") -> Bus:
    buses.append(Bus(model, password))
    return buses[-1]


def grown(one: Bus, code: str, at_s: int, period_s: int) -> int:
    """What the consumer's counter of a column counted until `at_s`, in 10^-6."""
    place = int(code.split(":")[-1].split(".")[0])
    kinds = {1: "import_wh", 2: "export_wh", 3: "reactive_import_varh", 4: "reactive_export_varh",
             5: "reactive_import_varh", 6: "reactive_import_varh", 7: "reactive_export_varh",
             8: "reactive_export_varh"}
    now, before = (one.meters[0].instant_at(at_s - back_s) for back_s in (0, period_s))
    return sum(getattr(now, kinds[place])) - sum(getattr(before, kinds[place]))


def wanted(one: Bus, model: str, at_s: int) -> list[int]:
    """The row that the meter has captured at `at_s`, by its consumer."""
    manner = one.models[model].manner
    found = []
    for column in manner.profile.columns:
        code = f"{column.obis[0]}-{column.obis[1]}:{column.obis[2]}.{column.obis[3]}.0"
        if column.obis[3] == 8:          # A counter as it stood.
            instant = one.meters[0].instant_at(at_s)
            micro = {1: instant.import_wh, 5: instant.reactive_import_varh,
                     8: instant.reactive_export_varh}[column.obis[2]]
            found.append(sum(micro) // 10**6)
            continue
        period_s = manner.profile.period_s
        micro = grown(one, code, at_s, period_s)
        mean = column.obis[3] == 5
        found.append(micro * (HOUR_S // period_s if mean else 1) // 10**6)
    return found


@pytest.mark.parametrize("model", PROFILES)
def test_rows_of_an_outage_are_filled_in_from_the_profile_each_once(
        model: str, buses: list[Bus]) -> None:
    one = bus(model, buses)
    period_s = one.models[model].manner.profile.period_s
    one.sweep()
    one.sweep(5 * HOUR_S)                # Nobody asked for five hours.
    one.sweep(period_s)
    rows = one.profile_rows()
    stamps = [row.captured_at_s for row in rows]
    first_s = -(-(START_S - 2 * HOUR_S + 60) // period_s) * period_s
    assert stamps == list(range(first_s, stamps[-1] + 1, period_s))
    assert one.world.now_s() - stamps[-1] < period_s + 60
    for row in rows:
        assert list(row.values) == pytest.approx(wanted(one, model, row.captured_at_s), abs=1)
    columns = profile_columns(one.models[model])
    assert all(len(row.values) == len(columns) for row in rows)
    assert len(one.profile_rows(1)) == len(rows)
    assert not [record for record in one.kept() if isinstance(record, Missed)]


@pytest.mark.parametrize("model", LOGS)
def test_entries_of_a_log_are_archived_once_each(model: str, buses: list[Bus]) -> None:
    one = bus(model, buses)
    meter = one.meters[0]
    meter.felt = [Felt("power", START_S - 7200, START_S - 3600)]
    one.sweep()
    meter.felt += [Felt("power", START_S + 100, START_S + 160), Felt("magnet", START_S + 130)]
    for _ in range(3):
        one.sweep(600)
    told = [record for record in one.kept() if isinstance(record, Event)
            and record.kind == status.EVENT_OF_METER]
    assert {record.meter for record in told} == {0}
    notes = [record.note for record in told]
    assert len({(record.at_s, record.note) for record in told}) == len(told) >= 3, notes
    minute_s = 60 if model.startswith("mass") else 1   # MASS keeps whole minutes.
    ends = {START_S - 3600, START_S + 160, START_S + 130}
    assert {at_s // minute_s * minute_s for at_s in ends} <= {record.at_s for record in told}
    words = {"emh-lzqj-xc": "power came", "energomera-ce308": "supply on",
             "mass-three-phase": "power of all phases failed", "metcom-mcs301": "power up"}
    assert sum(words[model] in note for note in notes) == 2, notes


@pytest.mark.parametrize("model", sorted(CLOCKS))
def test_a_clock_that_is_off_is_set_in_small_steps(model: str, buses: list[Bus]) -> None:
    one = bus(model, buses)
    meter = one.meters[0]
    meter.goes_wrong(Wrong(What.CLOCK_OFF, START_S, -17))
    for _ in range(4):
        one.sweep(24 * HOUR_S + 60)
    told = [record.note for record in one.kept() if isinstance(record, Event)
            and record.kind == status.EVENT_METER_CLOCK_SET]
    assert [note.split("clock set by ")[1].split(" s,")[0] for note in told] == ["+10", "+7"] or (
        len(told) == 2), told
    assert abs(meter.clock_at(one.world.now_s()) - one.world.now_s()) <= 3


@pytest.mark.parametrize("model", SWITCHES)
def test_a_consumer_is_disconnected_and_connected_again(model: str, buses: list[Bus]) -> None:
    one = bus(model, buses)
    one.sweep()
    reader = one.known[0].reader
    assert reader is not None
    assert converse(reader.read_switch(), one.line).is_closed
    converse(reader.switch(False), one.line)
    assert not converse(reader.read_switch(), one.line).is_closed
    assert converse(one.known[1].reader.read_switch(), one.line).is_closed, "the other is not"
    converse(reader.switch(True), one.line)
    assert converse(reader.read_switch(), one.line).is_closed


@pytest.mark.parametrize("model", ["energomera-ce308", "mass-three-phase"])
def test_a_wrong_password_stops_no_reading_and_locks_no_meter(
        model: str, buses: list[Bus]) -> None:
    one = bus(model, buses, "12345678")
    one.meters[0].goes_wrong(Wrong(What.CLOCK_OFF, START_S, -17))
    rows = []
    for _ in range(5):
        rows += [record for record in one.sweep(1800) if isinstance(record, Row)
                 and record.meter == 0 and record.register_set == 0]
    assert len(rows) == 5 and all(None not in row.values for row in rows)
    assert one.meters[0].clock_at(one.world.now_s()) == one.world.now_s() - 17
    asked = one.line.bus._servers[0]._meters
    assert [session.wrong for _, _, session in asked] == [2, 0], "a third would lock it"


@pytest.mark.parametrize("model", PROFILES)
def test_a_plan_says_what_a_visit_of_such_a_model_takes(model: str, buses: list[Bus]) -> None:
    one = bus(model, buses)
    planned = plan(one.config, one.models)[0]
    assert planned.fill_us > 0
    one.sweep()
    one.sweep(HOUR_S)
    before_s = one.world.elapsed_s()
    one.sweep(HOUR_S)
    took_s = one.world.elapsed_s() - before_s - HOUR_S
    assert 0.5 * took_s <= planned.took_us / 1e6 <= 1.5 * took_s, (planned.took_us / 1e6, took_s)


@pytest.mark.parametrize(("model", "fault"), [
    ("energomera-ce308", Kind.WRONG_CRC), ("mass-three-phase", Kind.SILENCE),
    ("metcom-mcs301", Kind.NOISE)])
def test_damage_in_a_profile_costs_a_row_no_value(
        model: str, fault: Kind, buses: list[Bus]) -> None:
    one = bus(model, buses)
    one.sweep()
    one.faults.order(Fault(fault, 1, rate=0.001, times=12))
    for _ in range(3):
        one.sweep(HOUR_S)
    one.faults.order(Fault(Kind.SILENCE, 9))
    one.sweep(HOUR_S)
    one.sweep(HOUR_S)
    rows = one.profile_rows()
    period_s = one.models[model].manner.profile.period_s
    stamps = [row.captured_at_s for row in rows]
    assert stamps == sorted(set(stamps))
    assert stamps[0] + period_s * (len(stamps) - 1) == stamps[-1], "what failed was asked again"
    for row in rows[::3]:
        assert list(row.values) == pytest.approx(wanted(one, model, row.captured_at_s), abs=1)
