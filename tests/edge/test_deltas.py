"""Deltas: what the next batch builds on, when it goes in full, and that no value is ever wrong."""

from tests.edge.records import SCHEMA_ID, event, row, schema_of
from tests.edge.test_delivery import World
from wum_edge.uplink import delivery as rules
from wum_edge.uplink.basis import CHAIN_MS, Basis
from wum_shared.bases import HEADS_MAX, Base, heads_after
from wum_shared.batch import Row, peek_base
from wum_shared.ids import batch_digest
from wum_shared.messages import encode_schema
from wum_shared.status import ABSENT, BASE_UNKNOWN, SET_ASIDE, VERSION_UNSUPPORTED


def hour(number):
    """The rows of one sweep."""
    return [row(number, meter) for meter in range(4)]


def sent(world, number, answered=True):
    """One sweep as it arrived; stored and acknowledged, unless it shall not be."""
    arrival = world.batch_of(hour(number))
    if answered:
        world.hear(world.head_end.store(arrival))
    return arrival


def base_of(arrival):
    """The digest of the base that a batch names, or None."""
    base = peek_base(arrival.opened)
    return None if base is None else base.digest


def complete(world):
    """Whether every record that was archived was stored, and acknowledged."""
    return (sorted(world.head_end.committed) == list(range(1, world.archive.next_sequence))
            and world.archive.cursor == world.archive.next_sequence - 1)


def test_each_batch_builds_on_the_one_that_was_acknowledged():
    world = World()
    arrivals = [sent(world, number) for number in range(5)]
    assert [base_of(a) for a in arrivals] == [None] + [
        batch_digest(a.opened) for a in arrivals[:4]]
    assert peek_base(arrivals[1].opened).last_sequence == arrivals[0].last
    assert len(arrivals[1].opened) < len(arrivals[0].opened) + 30
    assert complete(world)


def test_a_batch_that_is_not_answered_is_not_built_on_and_goes_again_in_full():
    world = World()
    first = sent(world, 0)
    second = sent(world, 1, answered=False)
    third = sent(world, 2, answered=False)
    assert base_of(second) == base_of(third) == batch_digest(first.opened)
    world.wait(2 * rules.ANSWER_MS)
    again = world.head_end.batches()[-1]
    assert (again.first, again.last) == (second.first, second.last)
    assert base_of(again) is None
    for arrival in world.head_end.batches()[1:]:
        world.hear(world.head_end.store(arrival))
    world.wait(2 * rules.ANSWER_MS)
    for arrival in world.head_end.batches()[1:]:
        world.hear(world.head_end.store(arrival))
    assert complete(world)


def test_an_unknown_base_is_followed_at_once_by_the_same_records_in_full():
    world = World()
    sent(world, 0)
    world.head_end.heads = {}                # Restored from a backup, or another one took over.
    delta = sent(world, 1)
    world.wait(1)
    full = world.head_end.batches()[-1]
    assert base_of(delta) is not None and base_of(full) is None
    assert (full.first, full.last) == (delta.first, delta.last)
    world.hear(world.head_end.store(full))
    assert base_of(sent(world, 2)) == batch_digest(full.opened)
    assert complete(world)


def test_a_late_word_that_a_base_is_unknown_does_not_send_the_full_batch_twice():
    world = World()
    sent(world, 0)
    world.head_end.heads = {}
    delta = sent(world, 1)
    world.wait(1)
    count = len(world.head_end.batches())
    world.hear(world.head_end.acknowledgement(delta, answer=BASE_UNKNOWN))
    world.wait(1)
    assert len(world.head_end.batches()) == count
    world.hear(world.head_end.store(world.head_end.batches()[-1]))
    world.hear(world.head_end.acknowledgement(delta, answer=BASE_UNKNOWN))
    world.wait(100)
    assert complete(world) and len(world.head_end.batches()) == count


def test_after_a_restart_the_first_batch_is_full():
    world = World()
    sent(world, 0)
    world.start()
    assert base_of(sent(world, 1)) is None
    assert base_of(sent(world, 2)) is not None
    assert complete(world)


def test_at_least_one_batch_a_day_is_full():
    world = World()
    full = []
    for number in range(50):
        if base_of(sent(world, number)) is None:
            full.append(number)
        world.wait(3600000 - rules.LINGER_MS)
    assert full == [0, 24, 48]
    assert CHAIN_MS < 24 * 3600000
    assert complete(world)


def test_under_another_schema_a_batch_is_full():
    world = World()
    sent(world, 0)
    other = world.archive.keep_schema(encode_schema(schema_of(meters=5)))
    world.append(hour(1), schema=other)
    world.wait(rules.LINGER_MS)
    arrival = world.head_end.batches()[-1]
    assert base_of(arrival) is None
    world.hear(world.head_end.store(arrival))
    assert complete(world)


def test_a_batch_without_rows_is_full_and_leaves_the_base_as_it_was():
    world = World()
    first = sent(world, 0)
    events = world.batch_of([event(1)])
    world.hear(world.head_end.store(events))
    assert base_of(events) is None
    assert base_of(sent(world, 2)) == batch_digest(first.opened)


def test_what_was_set_aside_or_not_understood_is_not_built_on():
    for answer in (SET_ASIDE, VERSION_UNSUPPORTED):
        world = World()
        first = sent(world, 0, answered=False)
        world.hear(world.head_end.acknowledgement(first, answer=answer))
        assert base_of(sent(world, 1, answered=False)) is None


def test_a_head_end_that_stops_to_understand_gets_the_records_in_full():
    world = World()
    sent(world, 0)
    delta = sent(world, 1, answered=False)
    world.hear(world.head_end.acknowledgement(delta, answer=VERSION_UNSUPPORTED))
    world.wait(2 * rules.VERSION_MS)
    assert base_of(delta) is not None
    assert base_of(world.head_end.batches()[-1]) is None


def test_heads_are_the_last_value_of_each_register_and_an_absent_one_leaves_it():
    rows = (Row(2, 0, 0, 9, 0, (None, 5), (ABSENT, 0)), Row(1, 0, 0, 5, 0, (3, 4), (0, 0)),
            Row(3, 1, 1, 9, 0, (None,), (ABSENT,)))
    heads = heads_after(None, rows)
    assert heads == {(0, 0): (3, 5), (1, 1): (0,)}
    assert heads_after(heads, (Row(4, 0, 0, 9, 0, (7, None), (0, ABSENT)),)) == {
        (0, 0): (7, 5), (1, 1): (0,)}


def test_what_is_kept_is_bounded():
    basis = Basis()
    wide = (Row(1, 0, 0, 5, 0, (1,) * (HEADS_MAX + 1), (0,) * (HEADS_MAX + 1)),)
    for rows, kept in ((wide, False), (hour(0), True)):
        basis.built(Base(1, bytes(16)), SCHEMA_ID, tuple(rows), None, 0)
        basis.stored(bytes(16))
        assert (basis.usable(SCHEMA_ID, 0) is not None) == kept
    basis.unknown()
    assert basis.usable(SCHEMA_ID, 0) is None
