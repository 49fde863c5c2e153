"""The gateway's M-Bus reader and the town's meters, each written from the standard."""

import json
from collections.abc import Iterator
from importlib import resources

import pytest

from wum_edge.config import Meter as MeterOfConfig
from wum_edge.config import check
from wum_edge.errors import BadCheck, LineSilent, Refused
from wum_edge.meters.catalog import check_model, protocols
from wum_edge.meters.mbus.reader import MbusReader
from wum_edge.meters.mbus.search import search_primary, search_secondary
from wum_edge.meters.reader import Take
from wum_edge.meters.sweep import Sweep, meters_of_line
from wum_edge.meters.turn import Hearing, Line, Setting, converse
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_shared.batch import Event
from wum_simulator.bus import Timing
from wum_simulator.catalog import model_names
from wum_simulator.faults import Fault, Faults, Kind
from wum_simulator.meters.mbus_slave import Plate, Slave, frames_in, superposed
from wum_simulator.town import Meter, meters
from wum_simulator.virtual_line import VirtualClock, VirtualLine
from wum_simulator.world import Dice, VirtualWorld
from wum_simulator.wrongs import What, Wrong

START_S = 1_767_225_600
MODELS = ["saia-burgess-ale3", "emu-professional-3-75"]
BAUD = 2400


@pytest.fixture
def world() -> Iterator[VirtualWorld]:
    one = VirtualWorld(7, START_S)
    yield one
    one.close()


def line(world: VirtualWorld, town: list[Meter], faults: Faults | None = None) -> VirtualLine:
    return VirtualLine(world, town, faults or Faults(world.dice), Timing(BAUD, 30),
                       Setting(BAUD, 8, "E", 1, 33 * 1_000_000 // BAUD))


def reader(meter: Meter, world: VirtualWorld, address: int | str | None = None) -> MbusReader:
    name = meter.kind.name
    entry = json.loads((resources.files("wum_edge") / "catalog" / f"{name}.json").read_text())
    entry["clock_offset_min"] = 0
    config = MeterOfConfig(meter.serial, "dp", "a", meter.address if address is None else address,
                           name, 800, None)
    return MbusReader(check_model(entry), config, VirtualClock(world))


def taken(one: MbusReader, wire: Line, count: int) -> Take:
    take = Take()
    converse(one.read(tuple(range(count)), take), wire)
    return take


def test_the_town_plays_the_electricity_meters_of_m_bus() -> None:
    assert set(MODELS) <= set(model_names())
    assert "kamstrup-multical-601" not in model_names()


def test_every_register_is_what_the_meter_shows(world: VirtualWorld) -> None:
    town = meters(world.dice, MODELS, count=6)
    wire = line(world, town)
    for meter in town:
        at_s = world.now_s()
        take = taken(reader(meter, world), wire, len(meter.kind.registers))
        assert not take.errors and not take.refused
        shown = [[one.scaled for one in meter.showing(at_s + second)] for second in range(3)]
        assert [take.values[place] for place in range(len(meter.kind.registers))] in shown


def test_meters_are_found_by_their_plates_and_read_by_them(world: VirtualWorld) -> None:
    town = meters(world.dice, MODELS, count=5)
    wire = line(world, town)
    found = converse(search_secondary(300), wire)
    assert sorted(one.identity.number for one in found if one.identity) == sorted(
        meter.serial for meter in town)
    assert not [one.note for one in found if one.note]
    number = town[2].serial + "FFFFFFFF"
    take = taken(reader(town[2], world, number), wire, 3)
    assert len(take.values) == 3 and not take.errors


def test_two_meters_of_one_address_are_a_sentence(world: VirtualWorld) -> None:
    town = meters(world.dice, MODELS, count=2)
    wire = line(world, town)
    found = converse(search_primary(300, 1, 3), wire)
    assert [one.address for one in found] == [1, 2]
    for meter, slave in wire.bus._servers[0].slaves:  # type: ignore[attr-defined]
        assert meter
        slave.address = 1
    found = converse(search_primary(300, 1, 3), wire)
    assert [one.address for one in found] == [1]
    assert "Give each meter an address of its own" in found[0].note
    take = taken(reader(town[0], world), wire, 3)
    assert type(take.errors[0]) is BadCheck and not take.values


def test_the_clock_is_read_and_set(world: VirtualWorld) -> None:
    town = meters(world.dice, MODELS, count=1)
    wire = line(world, town)
    one = reader(town[0], world)
    time = converse(one.read_clock(), wire)
    assert 0 <= world.now_s() - (time.utc_s or 0) < 70 and not time.doubt
    converse(one.set_clock(START_S + 86400), wire)
    assert abs((converse(one.read_clock(), wire).utc_s or 0) - START_S - 86400) <= 60


def test_what_the_meter_notices_is_archived_as_an_event_once(world: VirtualWorld) -> None:
    town = meters(world.dice, MODELS[:1], count=2)
    wire = line(world, town)
    models = read_catalog()
    config = check({
        "concentrator": {"name": "town", "keys": "keys", "archive": "archive"},
        "broker": {"host": "127.0.0.1", "tls": False},
        "line": [{"name": "a", "port": "/dev/null", "baud": BAUD, "parity": "E"}],
        "meter": [{"serial": f"M-{n}", "line": "a", "model": MODELS[0], "address": n}
                  for n in (1, 2)],
    }, protocols(models))
    sweep, clock = Sweep("a", meters_of_line(config, models, "a")), VirtualClock(world)

    def events() -> list[tuple[int | None, str]]:
        return [(one.meter, one.note) for one in sweep.run(wire, clock, 60_000)
                if isinstance(one, Event)]
    assert events() == []
    town[1].goes_wrong(Wrong(What.MAGNET, world.now_s(), 20))
    found = events()
    assert [meter for meter, _ in found] == [1]
    assert "status 10: temporary error" in found[0][1]
    assert events() == []
    town[1].wrongs = ()
    assert "all is well again" in events()[0][1]


def test_faults_are_named_and_never_become_values(world: VirtualWorld) -> None:
    for kind, times, error in ((Kind.SILENCE, None, LineSilent), (Kind.WRONG_CRC, None, BadCheck),
                               (Kind.EXCEPTION, None, Refused)):
        faults = Faults(world.dice)
        town = meters(world.dice, MODELS, count=1)
        wire = line(world, town, faults)
        faults.order(Fault(kind, 1, times=times, code=8))
        take = taken(reader(town[0], world), wire, 3)
        assert isinstance(take.errors[0], error) and not take.values


def test_noise_never_makes_a_value_that_the_meter_did_not_show(world: VirtualWorld) -> None:
    faults = Faults(world.dice)
    town = meters(world.dice, MODELS, count=1)
    wire = line(world, town, faults)
    faults.order(Fault(Kind.NOISE, 1, rate=0.003))
    read = 0
    for _ in range(100):
        at_s = world.now_s()
        take = taken(reader(town[0], world), wire, 5)
        later = range(world.now_s() - at_s + 1)
        shown = [[one.scaled for one in town[0].showing(at_s + second)] for second in later]
        for place, value in take.values.items():
            assert value in [one[place] for one in shown]
        read += len(take.values) == 5
    assert 20 < read < 100


def slave(address: int, number: str, records: list[bytes]) -> Slave:
    return Slave(address, Plate(number, "WUM", 1, 7), lambda: records)


class Wires(Line):
    """Slaves on one pair, in no time."""

    def __init__(self, slaves: list[Slave]) -> None:
        self.slaves = slaves

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        """All answers at once."""
        frame, = frames_in(bytearray(say))
        return superposed([answer for one in self.slaves if (answer := one.hear(frame))])


def test_a_hundred_meters_on_one_pair_are_all_found() -> None:
    dice = Dice(3)
    numbers = sorted({f"{dice.below(10**8, 'number', place):08d}" for place in range(100)})
    wires = Wires([slave(0, number, [b"\x04\x13" + bytes(4)]) for number in numbers])
    found = converse(search_secondary(300), wires)
    assert sorted(one.identity.number for one in found if one.identity) == numbers
    assert not [one.note for one in found if one.note]


def test_many_records_go_over_many_telegrams_and_one_is_repeated_for_the_same_fcb() -> None:
    one = slave(1, "00000001", [b"\x04\x13" + bytes(4)] * 100)
    ask = [bytes((0x10, control, 1, control + 1 & 0xFF, 0x16)) for control in (0x7B, 0x5B)]
    first = one.hear(ask[0])
    assert one.hear(ask[0]) == first
    second = one.hear(ask[1])
    assert second != first and first[-3] == 0x1F and len(first) <= 261
    assert one.hear(bytes((0x10, 0x40, 1, 0x41, 0x16))) == b"\xe5"
    assert one.hear(ask[0])[19:] != second[19:]


def test_an_address_is_given_and_nobody_answers_a_broadcast() -> None:
    one = slave(0, "00000001", [])
    setting = bytes.fromhex("6806066853fe51017a082516")
    assert one.hear(setting) == b"\xe5" and one.address == 8
    assert one.hear(bytes.fromhex("1040ff3f16")) == b""
