"""Counting pulses: debounce, weights, and a counter that no power cut turns back."""

from tests.edge.meters.pulse.contacts import Contact, Cut, Store, clock_at
from tests.portable import raises
from wum_edge.config import Meter
from wum_edge.errors import BadCheck, LineSilent, Refused
from wum_edge.meters.catalog import Model, Register
from wum_edge.meters.pulse.codes import (
    COVER_OPEN,
    COVER_SHUT,
    EDGES_LOST,
    MAGNET_OFF,
    MAGNET_ON,
    NOT_COUNTED,
    NOT_KEPT,
)
from wum_edge.meters.pulse.counter import PulseCounter
from wum_edge.meters.pulse.debounce import Debounce
from wum_edge.meters.pulse.entry import (
    Access,
    Manner,
    Source,
    Weight,
    counting_of,
    weight_of,
)
from wum_edge.meters.pulse.journal import (
    RATES_MAX,
    RECORD_SIZE,
    RECORDS_MAX,
    Kept,
    decode_kept,
    encode_kept,
)
from wum_edge.meters.pulse.line import PulseLine, decode_events
from wum_edge.meters.pulse.reader import PulseReader, worth
from wum_edge.meters.reader import Take
from wum_edge.meters.scaling import scale_from_text
from wum_edge.meters.turn import converse
from wum_shared.status import NEVER_SET

HOUR_S = 3600


def counter(contact, store, least_ms=30, save_s=300):
    return PulseCounter(contact, store, contact.clock, None, least_ms, save_s, 36000)


def wait(clock, seconds):
    clock.ms += 1000 * seconds


def test_a_pulse_lasts_and_a_bounce_does_not():
    debounce = Debounce(30)
    found = [debounce.edge(at, closed) for at, closed in (
        (0, False), (100, True), (105, False), (110, True), (200, False), (202, True),
        (204, False), (300, True), (340, False))]
    assert [one for one in found if one is not None] == [110, 300]
    assert debounce.bounces == 2        # One each way; the rest is the state it had.


def test_a_pulse_counts_when_it_has_lasted_without_waiting_for_its_end():
    debounce = Debounce(30)
    debounce.edge(0, False)
    assert debounce.edge(100, True) is None
    assert debounce.settle(129) is None
    assert debounce.settle(130) == 100
    assert debounce.settle(200) is None
    assert debounce.edge(400, False) is None


def test_two_edges_the_same_way_are_one_that_was_missed():
    debounce = Debounce(30)
    for at in (0, 100):
        debounce.edge(at, True)
    assert debounce.lost == 1


def test_what_is_shown_was_written_before():
    clock = clock_at()
    contact, store = Contact(clock), Store()
    one = counter(contact, store)
    contact.pulse(5)
    assert one.shown().total == 0        # Too soon to write again.
    wait(clock, 301)
    assert one.shown().total == 5
    assert decode_kept(store.data[-RECORD_SIZE:]).total == 5


def test_it_is_written_at_every_hour_and_at_most_every_so_often():
    clock = clock_at(1759996800 + 3590)  # Ten seconds before an hour.
    contact, store = Contact(clock), Store()
    one = counter(contact, store)
    before = store.writes
    contact.pulse(1)
    one.poll()
    assert store.writes == before
    wait(clock, 11)
    assert one.shown().total == 1        # The hour is over.
    assert store.writes == before + 1
    for _ in range(200):
        contact.pulse(1)
        wait(clock, 10)
        one.poll()
    assert store.writes - before <= 2 + 2020 // 300
    writes = store.writes
    wait(clock, 10000)
    one.poll()
    wait(clock, 10000)
    one.poll()
    assert store.writes <= writes + 1    # Nothing new: nothing written.


def pulses_until_the_cut(one, contact):
    """(pulses given, those shown) until the power goes, which it must."""
    shown = counted = 0
    while counted < 60:
        contact.pulse(3)
        counted += 3
        wait(contact.clock, 11)
        try:
            shown = one.shown().total
        except Cut:
            return counted, shown
    raise AssertionError("the power did not go")


def test_no_cut_at_any_write_turns_the_counter_back():
    for torn in (0, 1, 40, RECORD_SIZE - 1):
        for operations in range(1, 12):
            clock = clock_at()
            contact, store = Contact(clock), Store()
            one = counter(contact, store, save_s=10)
            store.operations_left, store.torn = operations, torn
            counted, shown = pulses_until_the_cut(one, contact)
            store.operations_left = None
            again = counter(contact, Store(store.data))
            assert shown <= again.shown().total <= counted, (torn, operations)
            assert again.missing_most >= counted - again.shown().total


def test_after_a_cut_it_says_how_many_pulses_may_be_missing():
    clock = clock_at()
    contact, store = Contact(clock), Store()
    one = counter(contact, store)
    contact.pulse(4)
    wait(clock, 400)
    one.poll()
    contact.pulse(2)
    wait(clock, 100)
    again = counter(contact, Store(store.data))
    contact.queue = []
    assert again.shown().total == 4
    assert 2 <= again.missing_most <= 36000 * 101 // HOUR_S + 1
    event, = again.events_after(0)
    assert event.code == NOT_COUNTED and "at most %d" % again.missing_most in event.note


def test_what_nobody_counted_is_told_after_an_orderly_end_too():
    clock = clock_at()
    contact, store = Contact(clock), Store()
    one = counter(contact, store)
    assert one.events_after(0) == []     # A meter that was never counted misses nothing.
    contact.pulse(7)
    one.close()
    wait(clock, 50)
    contact.pulse(2)
    contact.queue = []                   # Given while nobody listened.
    again = counter(contact, store)
    assert again.shown().total == 7
    event, = again.events_after(0)
    assert event.code == NOT_COUNTED and 2 <= again.missing_most <= 36000 * 52 // HOUR_S + 1


def test_a_clock_that_went_back_or_was_never_set_bounds_nothing():
    for set_back, quality in ((-5000, 0), (5000, NEVER_SET)):
        clock = clock_at()
        contact, store = Contact(clock), Store()
        one = counter(contact, store)
        contact.pulse(7)
        one.close()
        wait(clock, set_back)
        clock.quality = lambda told=quality: told
        again = counter(contact, store)
        assert again.missing_most is None
        event, = again.events_after(0)
        assert event.code == NOT_COUNTED and "nobody can tell" in event.note


def test_an_input_that_was_not_there_is_told_with_its_bound():
    clock = clock_at()
    one = counter(Contact(clock), Store())
    one.unheard(9)
    assert one.missing_most == 100 and one.told == 1
    event, = one.events_after(0)
    assert event.code == NOT_COUNTED and "at most 100 in 9 s" in event.note


def test_the_file_begins_anew_before_it_is_long():
    clock = clock_at()
    contact, store = Contact(clock), Store()
    one = counter(contact, store, save_s=10)
    longest = 0
    for _ in range(RECORDS_MAX + 20):
        contact.pulse(1)
        wait(clock, 11)
        one.poll()
        longest = max(longest, len(store.data))
    assert longest == RECORDS_MAX * RECORD_SIZE
    assert counter(contact, store).shown().total == RECORDS_MAX + 20


def test_every_flipped_bit_of_a_record_is_noticed():
    kept = Kept(3, 1760000000, 12345, (12345,) + (0,) * (RATES_MAX - 1), False)
    whole = encode_kept(kept)
    assert decode_kept(whole) == kept
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        assert decode_kept(bytes(damaged)) is None


def test_a_damaged_record_costs_itself_and_all_damaged_stop_the_counter():
    clock = clock_at()
    contact, store = Contact(clock), Store()
    one = counter(contact, store, save_s=10)
    for _ in range(3):
        contact.pulse(2)
        wait(clock, 11)
        one.poll()
    data = bytearray(store.data)
    data[-1] ^= 1
    again = counter(contact, Store(bytes(data)))
    assert again.shown().total == 4
    assert "1 records damaged" in again.events_after(0)[0].note
    for place in range(10, len(data), RECORD_SIZE):
        data[place] ^= 1
    lost_store = Store(bytes(data))
    lost = counter(contact, lost_store)
    assert lost.shown() is None
    assert lost_store.data == bytes(data)          # Nothing is written over it.
    assert "put the index into `start`" in raises(Refused, lambda: _raise(read(lost, 1).errors))


def test_a_full_store_is_told_once_and_what_is_shown_stands_still():
    clock = clock_at()
    contact, store = Contact(clock), Store()
    one = counter(contact, store, save_s=10)
    store.full = True
    for _ in range(3):
        contact.pulse(2)
        wait(clock, 11)
        assert one.shown().total == 0
    assert [event.code for event in one.events_after(0)] == [NOT_KEPT]
    store.full = False
    wait(clock, 11)
    assert one.shown().total == 6


def test_magnet_and_cover_are_events_once_each_way():
    clock = clock_at()
    contact, magnet, cover = Contact(clock), Contact(clock), Contact(clock)
    one = counter(contact, Store())
    one.watch(magnet, MAGNET_ON)
    one.watch(cover, COVER_OPEN)
    magnet.pulse(1, on_ms=5000)
    magnet.pulse(1, on_ms=5)                       # A bounce is none.
    one.poll()
    cover.pulse(1, on_ms=1000, off_ms=1000)
    one.poll()
    assert [event.code for event in one.events_after(0)] == [
        MAGNET_ON, MAGNET_OFF, COVER_OPEN, COVER_SHUT]
    assert one.events_after(clock.now_s()) == []


def test_edges_that_were_lost_are_told():
    clock = clock_at()
    contact = Contact(clock)
    one = counter(contact, Store())
    contact.lost = 3
    one.poll()
    one.poll()
    events = one.events_after(0)
    assert [event.code for event in events] == [EDGES_LOST] and ": 3" in events[0].note


def model(weight, scaler=0, rates=(0,)):
    registers = [Register("r%d" % rate, bytes(6), 30, scaler, Source(rate)) for rate in rates]
    return Model("x", "y", "z", "pulse", "s", "l", tuple(registers),
                 Manner(weight, 30, 36000, 300))


def read(one, count, start=0, weight=None, number=4):
    weight = weight or Weight(3200, scale_from_text("1000"), 30)
    kind = model(weight, 0, tuple(range(count)))
    take = Take()
    reader = PulseReader(kind, Meter("1", "1", "a", number, "x", 500, access(start)), None)
    converse(reader.read(tuple(range(count)), take), PulseLine({4: one}))
    return take


def access(start=0, pulses=0, amount=None, debounce_ms=None, most_per_hour=0):
    return Access(start, None, pulses, amount, debounce_ms, most_per_hour, True, "pull-up", ())


def _raise(errors):
    raise errors[0]


def test_what_is_printed_on_a_meter_goes_before_its_model():
    manner = Manner(Weight(3200, scale_from_text("1000"), 30), 30, 36000, 300)
    assert weight_of(manner, None) == weight_of(manner, access()) == manner.weight
    assert weight_of(manner, access(pulses=1000))[:2] == (1000, manner.weight.amount)
    assert counting_of(manner, access()) == counting_of(manner, None) == (30, 36000)
    # Another weight or debounce: the model's most is not its own.
    assert counting_of(manner, access(pulses=1000)) == (30, 60000)
    assert counting_of(manner, access(debounce_ms=10)) == (10, 180000)
    assert counting_of(manner, access(pulses=1000, most_per_hour=50)) == (30, 50)


def test_weights_are_exact_ratios():
    for pulses, amount, counted, scaler, value in (
            (3200, "1000", 3200, 0, 1000), (3200, "1000", 3199, 0, 999),
            (3200, "1000", 16, 0, 5), (1000, "1000", 12345, 0, 12345),
            (1, "0.01", 12345, -2, 12345), (1, "0.01", 12345, -3, 123450),
            (1, "10", 7, 0, 70), (600, "1000", 1, -3, 1666),
            (3200, "1000", 10**15, 0, 10**15 * 5 // 16)):
        weight = Weight(pulses, scale_from_text(amount), 30)
        assert worth(counted, weight, model(weight, scaler).registers[0]) == value


def test_a_meter_is_read_like_every_other_with_its_index_at_the_start():
    clock = clock_at()
    contact = Contact(clock)
    one = counter(contact, Store())
    contact.pulse(32)
    wait(clock, 301)
    take = read(one, 2, 5000)
    assert take.values == {0: 5010, 1: 10}
    assert take.turns == 1 and not take.errors


def test_another_unit_is_refused_and_an_input_that_is_not_there_is_silent():
    clock = clock_at()
    one = counter(Contact(clock), Store())
    take = read(one, 1, weight=Weight(1, scale_from_text("0.01"), 13))
    assert "its pulses count m" in str(take.refused[0])
    assert type(read(one, 1, number=5).errors[0]) is LineSilent


def test_events_come_over_the_line_and_damage_is_noticed():
    clock = clock_at()
    magnet = Contact(clock)
    one = counter(Contact(clock), Store())
    one.watch(magnet, MAGNET_ON)
    magnet.pulse(1, on_ms=5000)
    reader = PulseReader(model(Weight(1, scale_from_text("1"), 30)),
                         Meter("1", "1", "a", 4, "x", 500, None), None)
    events = converse(reader.read_events(0), PulseLine({4: one}))
    assert [event.code for event in events] == [MAGNET_ON, MAGNET_OFF]
    raises(LineSilent, lambda: converse(reader.read_events(0), PulseLine({})))
    for bad in (b"", b"\x01\x00\x00\x00", b"\x04\x00\x00\x00abcd",
                b"\x0b\x00\x00\x00" + bytes(8) + b"\x01\x01\xff"):
        assert decode_events(bad) is None
    assert BadCheck.outcome
