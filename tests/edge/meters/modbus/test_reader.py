"""A Modbus meter from read to read: refused ranges, places that are wanted, late answers."""

from tests.edge.bus import Bus, ScriptedMeter, VirtualClock
from tests.edge.meters.modbus.test_rtu import Tape
from tests.edge.meters.modbus.test_tcp import carried
from tests.edge.samples import entry
from wum_edge import config
from wum_edge.errors import BadCheck, LineSilent, Refused
from wum_edge.meters.catalog import check_model
from wum_edge.meters.modbus.entry import Access
from wum_edge.meters.modbus.reader import ModbusReader
from wum_edge.meters.pace import pace_of, setting_of
from wum_edge.meters.reader import Take
from wum_edge.meters.turn import converse

WORDS = {0: 2301, 1: 0, 2: 0x3FA0, 3: 0, 100: 0, 101: 1234}   # 230.1 V, 1.25 A, 12,340 Wh.
VALUES = {0: 1234, 1: 2301, 2: 125}
ALL = (0, 1, 2)


class Met:
    """A reader, its meter and the bus between them."""

    def __init__(self, change=None, access=None):
        document = entry()
        if change:
            change(document)
        self.model = check_model(document)
        self.clock = VirtualClock()
        self.meter = ScriptedMeter(5, dict(WORDS))
        self.bus = Bus(self.clock, [self.meter])
        self.reader = ModbusReader(
            self.model, config.Meter("M", "dp", "a", 5, "two-and-one", 500, access), self.clock)

    def read(self, places=ALL):
        take = Take()
        converse(self.reader.read(places, take), self.bus)
        return take


def test_all_registers_come_in_as_few_requests_as_the_limits_allow():
    met = Met()
    take = met.read()
    assert take.values == VALUES and take.errors == [] and take.turns == 2
    assert met.meter.asked == [(4, 0, 4), (4, 100, 2)]


def test_one_register_is_asked_for_alone():
    met = Met()
    assert met.read((2,)).values == {2: 125}
    assert met.read((1,)).values == {1: 2301}
    assert met.read((0, 1)).values == {0: 1234, 1: 2301}
    assert met.meter.asked == [(4, 2, 2), (4, 0, 1), (4, 0, 1), (4, 100, 2)]


def test_a_meter_that_refuses_ranges_is_data():
    def alone(document):
        document["limits"] = {"registers_per_request": 1, "gap": 0}
    met = Met(alone)
    assert met.read().values == VALUES
    assert met.meter.asked == [(4, 0, 1), (4, 2, 2), (4, 100, 2)]


def test_a_refused_gap_is_learnt():
    met = Met()
    del met.meter.words[1]
    first, second = met.read(), met.read()
    assert first.values == second.values == VALUES
    assert [type(e) for e in first.errors] == [Refused] and second.errors == []
    assert not first.refused


def test_a_refused_register_keeps_its_failure_and_a_busy_one_may_be_asked_again():
    met = Met()
    del met.meter.words[0]
    take = met.read()
    assert take.values == {0: 1234, 2: 125} and not take.again
    assert sorted(take.refused) == [1] and take.refused[1].code == 2
    met.meter.refuse = 6
    take = met.read()
    assert sorted(take.refused) == [0, 1, 2] == sorted(take.again)
    met.meter.refuse = 0
    assert met.read((0, 2)).values == {0: 1234, 2: 125}


def test_a_range_that_is_refused_when_a_part_is_wanted_does_not_change_what_was_learnt():
    met = Met()
    ranges = met.reader.ranges
    del met.meter.words[0]
    take = met.read((1,))
    assert sorted(take.refused) == [1] and met.reader.ranges == ranges


def test_silence_leaves_the_rest_for_later_and_lets_a_late_answer_pass():
    met = Met()
    met.meter.delay_ms = 700         # Longer than the timeout.
    take = met.read()
    assert take.values == {} and [type(e) for e in take.errors] == [LineSilent]
    met.meter.delay_ms = 20
    take = met.read()
    assert take.values == VALUES
    assert met.bus.listened_ms >= 200


def test_damage_is_tried_twice_in_one_read():
    met = Met()
    met.meter.mangle = lambda frame: frame[:-1] + bytes([frame[-1] ^ 1])
    assert [type(e) for e in met.read().errors] == [BadCheck, BadCheck]


def test_over_tcp_a_late_answer_needs_no_rest():
    met = Met(access=Access("tcp"))
    take = Take()
    converse(met.reader.read(ALL, take), Tape())
    assert [type(e) for e in take.errors] == [LineSilent]
    values = "0408" + "08fd" + "0000" + "3fa0" + "0000"
    late = carried(1, "0408" + "ffff" * 4, 5)
    tape = Tape(late + carried(2, values, 5), carried(3, "0404000004d2", 5))
    take = Take()
    converse(met.reader.read(ALL, take), tape)
    assert take.values == VALUES and take.foreign == 1
    assert [len(said) for said, _ in tape.turns] == [12, 12]     # It never only listened.


def test_a_model_may_want_more_silence_than_the_standard():
    def slow(document):
        document["timing"] = {"silence_ms": 40, "delay_ms": 150}
    met = Met(slow)
    assert pace_of(met.model, 9600, 10) == (40000, 150000)
    assert pace_of(Met().model, 9600, 10)[1] == 20000
    line = config.Line("a", "/dev/ttyUSB0", 9600, "N", 1, 8)
    assert setting_of(met.model, line, None).quiet_us == 40000
    assert 3645 <= setting_of(Met().model, line, None).quiet_us <= 3647
