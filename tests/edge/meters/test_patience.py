"""What a meter's answers teach, and what a dead one is waited for."""

from tests.edge.bus import Bus, ScriptedMeter, VirtualClock, framed
from tests.edge.meters.test_sweep import TIMEOUT_MS, Street
from wum_edge.meters.patience import FORGETS, MARGIN_MS, PATIENT_EVERY, Attentive, Turnaround
from wum_edge.meters.turn import Hearing, Setting
from wum_shared import status


class Until(Hearing):
    def __init__(self, size):
        self.size = size

    def __call__(self, heard):
        return len(heard) >= self.size


ASK = framed("070300000001")
ANSWER_BYTES = 7


def line(delay_ms):
    clock = VirtualClock()
    bus = Bus(clock, [ScriptedMeter(7, {0: 5}, delay_ms)])
    return bus, clock, bus.meters[0]


def test_nothing_is_learnt_before_the_first_answer():
    assert Turnaround().learnt_ms(500) == 500


def test_the_wait_is_twice_the_slowest_answer_and_a_margin_within_the_timeout():
    turnaround = Turnaround()
    for took_ms in (20, 45, 30):
        turnaround.note(took_ms)
    assert 2 * 40 + MARGIN_MS <= turnaround.learnt_ms(500) <= 2 * 45 + MARGIN_MS
    turnaround.note(400)
    assert turnaround.learnt_ms(500) == 500


def test_one_slow_answer_is_forgotten_after_many_quick_ones():
    turnaround = Turnaround()
    turnaround.note(400)
    for _ in range(8 * FORGETS):
        turnaround.note(20)
    assert turnaround.learnt_ms(500) <= 2 * 40 + MARGIN_MS


def test_now_and_then_a_probe_waits_the_whole_timeout():
    turnaround = Turnaround()
    turnaround.note(20)
    waits = [turnaround.probe_ms(500) for _ in range(2 * PATIENT_EVERY)]
    assert [n + 1 for n, wait in enumerate(waits) if wait == 500] == [
        PATIENT_EVERY, 2 * PATIENT_EVERY]


def test_an_answer_teaches_how_long_the_meter_took_without_its_characters():
    bus, clock, _ = line(80)
    turnaround = Turnaround()
    Attentive(bus, clock, turnaround, 0).turn(ASK, Until(ANSWER_BYTES), 500)
    assert turnaround.slowest_ms == 80
    # 15 characters at 300 baud are half a second, which this bus does not take: never negative.
    attentive = Attentive(bus, clock, Turnaround(), 0)
    attentive.set(Setting(300, 8, "N", 1, 0))
    attentive.turn(ASK, Until(ANSWER_BYTES), 500)
    assert bus.setting.baud == 300


def test_noise_and_half_an_answer_teach_nothing():
    bus, clock, meter = line(80)
    meter.mangle = lambda frame: frame[:3]
    turnaround = Turnaround()
    assert Attentive(bus, clock, turnaround, 0).turn(ASK, Until(ANSWER_BYTES), 500)
    assert turnaround.slowest_ms is None


def test_a_wait_holds_until_the_meter_has_said_anything():
    bus, clock, meter = line(80)
    attentive = Attentive(bus, clock, Turnaround(), 100)
    meter.silent = True
    assert attentive.turn(ASK, Until(ANSWER_BYTES), 500) == b"" and clock.ms == 100
    meter.silent = False
    assert attentive.turn(ASK, Until(ANSWER_BYTES), 500)
    meter.silent = True
    before_ms = clock.ms
    assert attentive.turn(ASK, Until(ANSWER_BYTES), 500) == b"" and clock.ms - before_ms == 500


def test_a_meter_that_died_is_probed_with_what_was_learnt_of_it_while_it_lived():
    street = Street(3)
    street.run()
    street.meters[1].silent = True
    _, _, _, first_ms = street.run()
    assert first_ms >= TIMEOUT_MS                     # It still had its whole timeout ...
    street.clock.ms += 10000
    _, missed, _, took_ms = street.run()
    assert [m.outcome for m in missed] == [status.SILENT]
    assert took_ms <= 2 * 2 * 20 + 2 * 20 + MARGIN_MS + 5   # ... and then twice its 20 ms.


def test_a_revived_meter_is_read_although_it_has_become_slower():
    street = Street(2)
    street.run()
    street.meters[1].silent = True
    street.run()
    street.meters[1].silent, street.meters[1].delay_ms = False, 300
    read = [bool([r for r in street.run()[0] if r.meter == 1]) for _ in range(PATIENT_EVERY + 1)]
    assert True in read


def test_each_visit_sets_the_line_as_its_meter_wants_it():
    street = Street(2)
    street.run()
    assert set(street.bus.settings) == {Setting(9600, 8, "N", 1, 3646)}


def test_whose_an_answer_is_shows_in_no_acknowledgement():
    bus, clock, meter = line(20)
    attentive = Attentive(bus, clock, Turnaround(), 0)
    meter.mangle = lambda frame: bytes([0xE5])        # As a meter on M-Bus answers a reset.
    attentive.turn(ASK, Until(1), 500)
    assert attentive.first_whole == b""               # That byte stands in many an answer.
    meter.mangle = None
    answer = attentive.turn(ASK, Until(ANSWER_BYTES), 500)
    assert attentive.first_whole == answer and len(answer) == ANSWER_BYTES
