"""The gateway's reader and the town's meters, each written from the standard, in virtual time."""

import json
from collections.abc import Iterator
from fractions import Fraction
from importlib import resources

import pytest

from wum_edge.config import Meter as MeterOfConfig
from wum_edge.errors import BadCheck, LineSilent
from wum_edge.meters.catalog import check_model
from wum_edge.meters.iec62056_21.entry import Access
from wum_edge.meters.iec62056_21.programming import Password
from wum_edge.meters.iec62056_21.reader import IecReader
from wum_edge.meters.reader import Take
from wum_edge.meters.turn import Hearing, Line, Setting, converse
from wum_simulator.bus import Timing
from wum_simulator.catalog import Model, Register
from wum_simulator.faults import Fault, Faults, Kind
from wum_simulator.meters.edis_time import seconds_of, written_at
from wum_simulator.meters.iec62056_21 import Iec62056Server
from wum_simulator.meters.server import Request
from wum_simulator.town import Meter, meters
from wum_simulator.virtual_line import VirtualClock, VirtualLine
from wum_simulator.world import Dice, VirtualWorld

START_S = 1_767_225_600
ENTRY = {
    "model": "wum-iec", "make": "WUM", "label": "Toy", "protocol": "iec62056-21",
    "source": "this test", "licence": "Apache-2.0", "identity": "0.0.0",
    "sign_on": {"baud": 9600, "makers": "WUM"},
    "clock": {"date": "0.9.2", "time": "0.9.1", "write": "W1"},
    "profile": {"columns": [{"obis": "1.5.0", "unit": "W", "scaler": 0},
                            {"obis": "2.5.0", "unit": "W", "scaler": 0}]},
    "registers": [
        {"name": "energy_import", "obis": "1-0:1.8.0", "unit": "Wh", "scaler": 0},
        {"name": "energy_export", "obis": "1-0:2.8.0", "unit": "Wh", "scaler": 1},
        {"name": "voltage_l1", "obis": "1-0:32.7.0", "unit": "V", "scaler": -1},
        {"name": "current_l1", "obis": "1-0:31.7.0", "unit": "A", "scaler": -3},
        {"name": "power", "obis": "1-0:16.7.0", "unit": "W", "scaler": 0},
        {"name": "power_factor", "obis": "1-0:13.7.0", "unit": "", "scaler": -3},
    ],
}


def kind(baud: int = 9600) -> Model:
    """The entry as the town has it."""
    own = json.loads(json.dumps(ENTRY))
    own["sign_on"]["baud"] = baud
    registers = tuple(Register(
        r["name"], r["obis"], 0, 0, "", "big", Fraction(1), r["unit"], r["scaler"], r)
        for r in own["registers"])
    return Model("wum-iec", registers, 0, 0, "iec62056-21", own)


def street(count: int, baud: int = 9600) -> list[Meter]:
    found = meters(Dice(7), ["eastron-sdm630"], count=count)
    for meter in found:
        meter.kind = kind(baud)
    return found


def reader(
        address: int, world: VirtualWorld, baud: int = 9600, command: str = "R5") -> IecReader:
    entry = json.loads(json.dumps(ENTRY))
    entry["sign_on"]["baud"] = baud
    entry["profile"]["command"] = command
    meter = MeterOfConfig("m", "dp", "line", str(address), "wum-iec", 500,
                          Access(Password(1, "00000000"), 60, False))
    return IecReader(check_model(entry), meter, VirtualClock(world))


@pytest.fixture
def world() -> Iterator[VirtualWorld]:
    one = VirtualWorld(7, START_S)
    yield one
    one.close()


def line(world: VirtualWorld, town: list[Meter], faults: Faults | None = None) -> VirtualLine:
    return VirtualLine(world, town, faults or Faults(world.dice), Timing(9600, 200),
                       Setting(9600, 7, "E", 1, 0))


def test_64_meters_of_a_fixed_baud_are_read_at_the_limit_of_the_wire(world: VirtualWorld) -> None:
    town = street(64)
    wire = line(world, town)
    took = []
    for meter in town:
        began_s = world.elapsed_s()
        at_s = world.now_s()
        take = Take()
        converse(reader(meter.address, world).read(tuple(range(6)), take), wire)
        assert not take.errors and not take.refused
        shown = [[one.scaled for one in meter.showing(at_s + second)] for second in (0, 1)]
        assert [take.values[place] for place in range(6)] in shown
        took.append(world.elapsed_s() - began_s)
    floor_s = 64 * (3 * 0.2 + 3.5 * 10 / 9600) + (wire.said_bytes + wire.heard_bytes) * 10 / 9600
    assert sum(took) <= floor_s * 1.001
    assert wire.said_bytes <= 64 * (len("/?64!\r\n") + 6)


def test_a_sign_on_at_300_baud_takes_its_time_and_the_readout_that_of_9600(
        world: VirtualWorld) -> None:
    town = street(2, 300)
    wire = line(world, town)
    took, size = [], []
    for meter in town:
        before_s, before = world.elapsed_s(), wire.said_bytes + wire.heard_bytes
        take = Take()
        converse(reader(meter.address, world, 300).read(tuple(range(6)), take), wire)
        assert not take.errors and len(take.values) == 6
        took.append(world.elapsed_s() - before_s)
        size.append(wire.said_bytes + wire.heard_bytes - before)
    slow = len(b"/?1!\r\n") + len(wire.bus.answers[1][0].said) + len(b"\x06050\r\n")
    for seconds, count in zip(took, size, strict=True):
        floor_s = 3 * 0.2 + slow * 10 / 300 + (count - slow) * 10 / 9600
        # Before the request there are 3.5 characters of silence, at 300 baud.
        assert floor_s - 0.001 <= seconds <= floor_s + 0.117 + 0.001, (seconds, floor_s)


def test_whoever_stays_at_another_baud_hears_noise_and_takes_no_value_from_it(
        world: VirtualWorld) -> None:
    wire = line(world, street(1, 300))
    entry = json.loads(json.dumps(ENTRY))
    entry["sign_on"].update({"baud": 300, "fixed": True})
    meter = MeterOfConfig("m", "dp", "line", "1", "wum-iec", 500,
                          Access(Password(0, ""), 60, False))
    stays = IecReader(check_model(entry), meter, VirtualClock(world))
    take = Take()
    converse(stays.read(tuple(range(6)), take), wire)
    assert [type(one) for one in take.errors] == [BadCheck] and not take.values
    # One that signs on at 9600 is not even heard.
    take = Take()
    world.let_pass(world.elapsed_s() + 120)
    converse(reader(1, world, 9600).read(tuple(range(6)), take), wire)
    assert [type(one) for one in take.errors] == [LineSilent]


def test_clock_profile_and_registers_one_by_one(world: VirtualWorld) -> None:
    town = street(3)
    wire = line(world, town)
    own = reader(2, world)
    time = converse(own.read_clock(), wire)
    assert abs((time.utc_s or 0) - world.now_s()) <= 1 and not time.doubt
    converse(own.set_clock(world.now_s() + 600), wire)
    late = converse(own.read_clock(), wire)
    assert 598 <= (late.utc_s or 0) - world.now_s() <= 600
    rows = converse(own.read_profile(START_S - 7200, START_S), wire)
    assert [row.captured_at_s for row in rows] == list(range(START_S - 7200, START_S + 1, 900))
    instant = [town[1].instant_at(row.captured_at_s) for row in rows[:2]]
    grown = sum(instant[1].import_wh) - sum(instant[0].import_wh)
    assert rows[1].values[0] == grown * 4 // 1_000_000


def test_a_meter_whose_checks_are_sums_is_read_by_its_names(world: VirtualWorld) -> None:
    town = meters(Dice(7), ["energomera-ce301"], count=2)
    wire = line(world, town)
    entry = json.loads((resources.files("wum_edge") / "catalog" / "energomera-ce301.json")
                       .read_text("utf-8"))
    model = check_model(entry)
    meter = MeterOfConfig("m", "dp", "line", "2", model.model, 500,
                          Access(Password(1, "00000000"), 60, False))
    take, at_s = Take(), world.now_s()
    converse(IecReader(model, meter, VirtualClock(world)).read(tuple(range(16)), take), wire)
    assert not take.errors and not take.refused and len(take.values) == 16
    # Each address is asked for at its own moment: what does not change meanwhile is compared.
    shown = [one.scaled for one in town[1].showing(at_s)]
    assert [take.values[place] for place in range(5)] == shown[:5]
    assert all(2000 < (take.values[place] or 0) < 2600 for place in (5, 6, 7))
    del entry["check"]
    take = Take()
    converse(IecReader(check_model(entry), meter, VirtualClock(world)).read((0,), take), wire)
    assert [type(one) for one in take.errors] == [BadCheck] and "BCC wanted" in str(take.errors[0])


@pytest.mark.parametrize("spoilt", range(9))
def test_partial_blocks_are_joined_and_a_damaged_one_is_asked_for_again(
        world: VirtualWorld, spoilt: int) -> None:
    faults = Faults(world.dice)

    class Spoiling(VirtualLine):
        """Spoils one answer: the `spoilt`th of those behind the password; 0 none."""

        asked = 0

        def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
            data_is_wanted = say[:3] == b"\x01R6" or say in (b"\x06", b"\x15")
            self.asked += data_is_wanted
            if data_is_wanted and self.asked == spoilt:
                faults.order(Fault(Kind.WRONG_CRC, times=1))
            return super().turn(say, is_whole, timeout_ms)

    town = street(1)
    wire = Spoiling(world, town, faults, Timing(9600, 200), Setting(9600, 7, "E", 1, 0))
    rows = converse(reader(1, world, command="R6").read_profile(
        START_S - 6 * 3600, START_S), wire)
    assert [row.captured_at_s for row in rows] == list(
        range(START_S - 6 * 3600, START_S + 1, 900))
    # A header and 25 rows, four lines in a block.
    assert wire.asked == 7 + (1 <= spoilt <= 7)
    whole = converse(reader(1, world).read_profile(START_S - 6 * 3600, START_S), wire)
    assert rows == whole


def test_faults_of_the_line_are_named_and_never_become_values(world: VirtualWorld) -> None:
    for fault, error in ((Kind.SILENCE, LineSilent), (Kind.WRONG_CRC, BadCheck)):
        faults = Faults(world.dice)
        wire = line(world, street(1), faults)
        take = Take()
        reading = reader(1, world).read((0, 1), take)
        faults.order(Fault(fault, 1))
        converse(reading, wire)
        assert [type(one) for one in take.errors] == [error] and not take.values


def test_noise_never_makes_a_value_that_the_meter_did_not_show(world: VirtualWorld) -> None:
    faults = Faults(world.dice)
    town = street(1)
    wire = line(world, town, faults)
    faults.order(Fault(Kind.NOISE, 1, rate=0.003))
    read = 0
    for _ in range(200):
        take = Take()
        at_s = world.now_s()
        converse(reader(1, world).read(tuple(range(6)), take), wire)
        if take.values:
            shown = [town[0].showing(at_s + second) for second in range(3)]
            for place in take.values:
                assert take.values[place] in [moment[place].scaled for moment in shown]
            read += 1
    assert 20 < read < 200


class BaudLine(Line):
    """A line that knows its baud: what is said or heard at another one is noise."""

    def __init__(self, server: Iec62056Server) -> None:
        self.server = server
        self.setting = Setting(300, 7, "E", 1, 0)
        self.coming: list[bytes] = []
        self.silences: list[int] = []

    def set(self, setting: Setting) -> None:
        self.setting = setting

    def said(self, answer: bytes, address: int, request: Request | None) -> None:
        self.answers.append((answer, self.server.said_baud))

    answers: list[tuple[bytes, int]] = []

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        if say:
            self.answers = []
            self.silences.append(self.setting.quiet_us)
            self.server.hear_at(say, self.setting.baud)
        if not timeout_ms:
            return b""
        heard = bytearray()
        for answer, baud in self.answers:
            for byte in answer:
                heard.append(byte if baud == self.setting.baud else byte ^ 0xA5)
        self.answers = []
        is_whole(heard)
        return bytes(heard)


def test_a_baud_that_is_not_changed_is_heard_as_noise(world: VirtualWorld) -> None:
    town = street(2, baud=300)
    wires: list[BaudLine] = []
    server = Iec62056Server(town, world.now_s, lambda request: None,
                            lambda a, b, c: wires[0].said(a, b, c))
    wires.append(BaudLine(server))
    take = Take()
    converse(reader(2, world, baud=300).read(tuple(range(6)), take), wires[0])
    assert len(take.values) == 6 and not take.errors
    assert wires[0].setting.baud == 9600
    assert wires[0].silences == [116_667, 200_000]
    take = Take()
    converse(reader(2, world, baud=1200).read(tuple(range(6)), take), wires[0])
    assert [type(error) for error in take.errors] == [LineSilent]


def test_the_towns_calendar_agrees_with_itself_over_its_years() -> None:
    assert written_at(START_S) == "260101000000"
    assert written_at(951_782_400) == "000229000000"
    for at_s in range(946_684_800, 4_000_000_000, 86_400 * 17 + 12_345):
        assert seconds_of(written_at(at_s)) == at_s
    for text in ("260230000000", "261301000000", "26010124", "2601012500", "26010100000a"):
        assert seconds_of(text) is None
