"""Two meters at one address are found and named, and neither noise nor a late meter is taken for
two."""

from tests.edge.bus import ScriptedMeter
from tests.edge.meters.test_sweep import VALUES, WORDS, Street, damaged
from wum_edge.meters.sweep import BAD_SWEEPS
from wum_edge.meters.twins import REST_SWEEPS
from wum_shared import status

OTHERS = {100: 0x0001, 101: 0x0000, 0: 2200, 1: 0, 2: 0x3FA0, 3: 0x0000}


def one_range(entry):
    """All registers in one turn, as most catalogue entries allow."""
    entry["registers"] = entry["registers"][1:]


def told(street, sweeps=1):
    """Events of so many sweeps."""
    found = []
    for _ in range(sweeps):
        found += street.run()[2]
    return found


def with_twin(delay_ms, count=4):
    """A street in which another meter with other values answers at address 2, that much later."""
    street = Street(count, one_range)
    street.bus.meters = street.meters + [ScriptedMeter(2, dict(OTHERS), delay_ms)]
    return street


def test_two_whole_answers_at_one_address_are_named_with_what_to_do():
    for delay_ms in (25, 60):
        street = with_twin(delay_ms)
        events = told(street)
        assert [(e.kind, e.meter) for e in events] == [(status.EVENT_ADDRESS_CLASH, 1)], delay_ms
        assert "M-0002: two meters answer at address 2" in events[0].note
        assert "give it another address" in events[0].note
        assert told(street, 3) == []                 # Once.


def test_no_row_ever_mixes_the_values_of_two_meters():
    street = with_twin(25)
    for _ in range(3):
        rows, _, _, _ = street.run()
        own = [row.values for row in rows if row.meter == 1]
        assert all(values in (VALUES[1:], (2200, 125)) for values in own)
        assert all(row.values == VALUES[1:] for row in rows if row.meter != 1)


def test_a_line_of_single_meters_is_never_listened_to_longer():
    street = Street(4, one_range)
    assert told(street, 3) == [] and street.bus.listened_ms == 0


def test_a_meter_that_was_late_once_is_examined_and_cleared():
    street = Street(4, one_range)
    twin = ScriptedMeter(2, dict(WORDS), 60)
    street.bus.meters = street.meters + [twin]

    def once(frame):
        twin.silent = True
        return frame
    twin.mangle = once               # One more answer, as of a request that came twice.
    assert told(street) == []
    listened_ms = street.bus.listened_ms
    assert listened_ms > 0           # It was looked into.
    twin.silent, twin.mangle = False, once
    assert told(street) == [] and street.bus.listened_ms == listened_ms     # It rests.
    assert REST_SWEEPS > 1


def test_two_that_speak_at_the_same_moment_damage_only_their_own_answers():
    street = Street(8, one_range)
    street.meters[3].mangle = damaged
    events = told(street, BAD_SWEEPS)
    assert [(e.kind, e.meter) for e in events] == [(status.EVENT_ADDRESS_CLASH, 3)]
    assert "answers at address 4 are damaged in every sweep: do two meters" in events[0].note


def test_noise_damages_the_answers_of_many_and_is_called_noise():
    street = Street(8, one_range)
    for meter in street.meters[2:6]:
        meter.mangle = damaged
    events = told(street, 2 * BAD_SWEEPS)
    assert [(e.kind, e.meter) for e in events] == [(status.EVENT_LINE_NOISY, None)]
    assert "answers of 4 of 8 meters are damaged: check termination, A/B" in events[0].note
    for meter in street.meters[2:5]:
        meter.mangle = None
    # Without the noise what is left is two meters at address 6.
    events = told(street, 6)
    assert [(e.kind, e.meter) for e in events] == [(status.EVENT_ADDRESS_CLASH, 5)]



def test_a_meter_that_stalls_now_and_then_is_not_taken_for_two():
    street = Street(12, one_range)
    stalling = street.meters[1]
    asked = []

    def stalls(frame):
        asked.append(1)              # Longer than the timeout of 500 ms, by turns that differ.
        stalling.delay_ms = (20, 560, 20, 620, 690, 20, 530, 900)[len(asked) * 5 // 3 % 8]
        return frame
    assert told(street) == []
    stalling.mangle = stalls
    for _ in range(40):
        street.sweep._twins._rests = {}          # Every suspicion is looked into.
        assert [e.kind for e in told(street) if e.kind == status.EVENT_ADDRESS_CLASH] == []
    assert street.bus.listened_ms > 0
