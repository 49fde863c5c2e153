"""Delivery: what goes out, when it goes again, and that only an answer moves the cursor."""

from tests.edge.headend import KEYS, EvenDice, HeadEnd, Sentences
from tests.edge.records import (
    SCHEMA,
    SCHEMA_ID,
    STAMP,
    archive_on,
    event,
    mixed,
    numbered,
    read_all,
    schema_of,
)
from tests.edge.scenarios import wide
from tests.shared.quick_cipher import QuickCipher
from wum_edge.uplink import delivery as rules
from wum_edge.uplink.counter import BLOCK, Counter
from wum_edge.uplink.delivery import Delivery
from wum_shared.batch import Lost, decode_batch
from wum_shared.messages import encode_schema
from wum_shared.status import (
    EVENT_ARCHIVE_DAMAGED,
    EVENT_BATCH_SET_ASIDE,
    LOST_DAMAGED,
    LOST_FULL,
    SCHEMA_UNKNOWN,
    SET_ASIDE,
    VERSION_UNSUPPORTED,
)
from wum_simulator.flash import SimulatedFlash


class World:
    """An archive, its delivery and a head-end, on one clock in milliseconds."""

    def __init__(self, records=0, flash=None, **limits):
        self.flash = flash or SimulatedFlash()
        self.head_end = HeadEnd()
        self.now_ms = 1000
        self.start(**limits)
        if records:
            self.append(mixed(0, records))

    def start(self, **limits):
        """As after a restart of the process."""
        self.archive = archive_on(self.flash, **limits)
        self.log = Sentences()
        self.counter = Counter(self.flash, KEYS.key_id, 0)
        self.delivery = Delivery(
            archive=self.archive, counter=self.counter,
            cipher=QuickCipher(), keys=KEYS, broker=self.head_end, dice=EvenDice(), log=self.log)

    def append(self, records, schema=SCHEMA_ID):
        """New records."""
        self.archive.append(records, schema, STAMP)

    def batch_of(self, records):
        """New records as a batch of their own; the batch as it arrived."""
        self.append(records)
        before = len(self.head_end.batches())
        self.wait(rules.LINGER_MS)
        arrived = self.head_end.batches()[before:]
        assert len(arrived) == 1
        return arrived[0]

    def wait(self, ms):
        """Let time pass, with a tick at its beginning and its end."""
        self.delivery.tick(self.now_ms)
        self.now_ms += ms
        self.delivery.tick(self.now_ms)

    def hear(self, sealed):
        """An acknowledgement arrives."""
        self.delivery.heard(sealed, self.now_ms)

    def refused(self):
        """How many acknowledgements were refused."""
        return sum(self.delivery.progress().refused.values())


def test_the_schema_goes_out_before_the_first_batch_and_the_answer_moves_the_cursor():
    world = World(records=5)
    world.wait(rules.LINGER_MS)
    assert [a.stream for a in world.head_end.arrivals] == ["schema", "batch"]
    assert world.head_end.arrivals[0].opened == SCHEMA
    batch = world.head_end.batches()[0]
    assert (batch.first, batch.last, batch.incarnation) == (1, 5, world.archive.incarnation)
    assert world.archive.cursor == 0
    world.hear(world.head_end.store(batch))
    assert world.archive.cursor == 5 and world.archive.backlog == 0
    assert world.head_end.committed == {
        n + 1: numbered(r, n + 1) for n, r in enumerate(mixed(0, 5))}
    world.wait(100000)
    assert len(world.head_end.batches()) == 1


def test_nothing_but_an_acknowledgement_moves_the_cursor():
    world = World(records=5)
    for _ in range(40):
        world.wait(7000)
    assert len(world.head_end.batches()) > 3
    assert world.archive.cursor == 0 and archive_on(world.flash).cursor == 0


def test_a_batch_without_answer_goes_again_as_the_same_bytes_under_a_new_counter():
    world = World(records=5)
    world.wait(rules.LINGER_MS)
    world.wait(rules.ANSWER_MS - 1)
    assert len(world.head_end.batches()) == 1
    world.wait(1)
    first, second = world.head_end.batches()
    assert first.opened == second.opened and second.counter > first.counter
    world.hear(world.head_end.store(first))
    assert world.archive.cursor == 5
    world.hear(world.head_end.store(second))
    assert world.delivery.progress().refused["of no batch in flight"] == 1
    assert not world.delivery.events


def test_the_connection_learns_how_long_an_answer_takes_from_the_last_sending():
    world, took = World(records=5), []
    world.head_end.answered = took.append
    world.wait(rules.LINGER_MS)
    world.wait(rules.ANSWER_MS)                  # An outage: the first is lost, and sent again.
    first, _ = world.head_end.batches()
    world.now_ms += 300
    world.hear(world.head_end.store(first))
    assert took == [300]


def test_a_connection_that_takes_less_at_once_gets_the_same_records_in_shorter_batches():
    world = World(records=200)
    world.wait(rules.LINGER_MS)
    first = world.head_end.batches()[0]
    assert (first.first, first.last) == (1, 200)
    world.head_end.number += 1                   # From a wire to the mesh, before any answer.
    world.head_end.batch_bytes = 3_000
    for _ in range(40):
        world.wait(1000)
        for batch in world.head_end.batches():
            if batch.last not in world.head_end.committed and batch is not first:
                world.hear(world.head_end.store(batch))
    shorter = [batch for batch in world.head_end.batches() if batch is not first]
    assert len(shorter) > 2 and max(batch.last - batch.first for batch in shorter) < 100
    assert world.archive.backlog == 0


def test_waits_grow_up_to_a_limit():
    world = World(records=5)
    world.wait(rules.LINGER_MS)
    sent_ms, before = [world.now_ms], 1
    while len(sent_ms) < 7:
        world.wait(500)
        if len(world.head_end.batches()) > before:
            before += 1
            sent_ms.append(world.now_ms)
    waits = [sent_ms[n + 1] - sent_ms[n] for n in range(6)]
    assert waits == [10000, 20000, 40000, 40000, 40000, 40000]


def full_window(world):
    """Four batches in flight, oldest first."""
    batches = [world.batch_of(mixed(100 * n, 5)) for n in range(rules.WINDOW)]
    assert world.delivery.progress().in_flight == rules.WINDOW
    return batches


def test_never_more_than_the_window_is_in_flight():
    world = World()
    full_window(world)
    world.append(mixed(900, 5))
    world.wait(rules.LINGER_MS)
    assert len(world.head_end.batches()) == rules.WINDOW


def test_after_a_timeout_one_batch_probes_until_an_answer_opens_the_window_again():
    world = World()
    full_window(world)
    world.wait(rules.ANSWER_MS)
    assert [b.first for b in world.head_end.batches()[rules.WINDOW:]] == [1]
    world.wait(19999)
    assert len(world.head_end.batches()) == rules.WINDOW + 1
    world.hear(world.head_end.store(world.head_end.batches()[-1]))
    world.wait(0)
    assert [b.first for b in world.head_end.batches()[rules.WINDOW + 1:]] == [6, 11, 16]


def test_answers_out_of_order_move_the_cursor_only_as_far_as_there_is_no_gap():
    world = World()
    first, second, third, fourth = full_window(world)
    world.hear(world.head_end.store(third))
    world.hear(world.head_end.store(second))
    assert world.archive.cursor == 0
    world.hear(world.head_end.store(first))
    assert world.archive.cursor == 15
    world.hear(world.head_end.store(fourth))
    assert world.archive.cursor == 20


def test_a_restart_sends_everything_that_is_not_acknowledged_and_old_answers_move_nothing():
    world = World()
    first, second, third, _ = full_window(world)
    world.hear(world.head_end.store(first))
    late = world.head_end.store(third)
    world.start()
    world.hear(late)
    assert world.archive.cursor == 5
    world.wait(rules.LINGER_MS)
    again = world.head_end.batches()[-1]
    assert (again.first, again.last) == (6, 20)
    world.hear(world.head_end.store(again))
    assert world.archive.cursor == 20


def test_an_unknown_schema_is_sent_again_and_then_the_batch():
    world = World(records=5)
    world.wait(rules.LINGER_MS)
    batch = world.head_end.batches()[0]
    world.head_end.schemas.clear()
    world.hear(world.head_end.store(batch))
    assert world.archive.cursor == 0
    world.wait(0)
    assert [a.stream for a in world.head_end.arrivals] == ["schema", "batch"] * 2
    world.hear(world.head_end.store(world.head_end.batches()[-1]))
    assert world.archive.cursor == 5


def test_a_head_end_that_never_learns_the_schema_is_not_flooded():
    world = World(records=5)
    world.wait(rules.LINGER_MS)
    for _ in range(600):
        answered = world.head_end.batches()[-1]
        world.hear(world.head_end.acknowledgement(answered, answer=SCHEMA_UNKNOWN))
        world.wait(1000)
    assert len(world.head_end.batches()) < 30


def test_a_set_aside_batch_moves_the_cursor_and_is_told_as_an_event():
    world = World(records=5)
    world.wait(rules.LINGER_MS)
    world.hear(world.head_end.acknowledgement(
        world.head_end.batches()[0], answer=SET_ASIDE, set_aside=5, note="captured in 2031"))
    assert world.archive.cursor == 5
    assert world.delivery.events == [
        (EVENT_BATCH_SET_ASIDE, "records 1..5: 5 set aside: captured in 2031")]


def test_events_about_set_aside_batches_do_not_feed_themselves():
    world = World()
    for round_ in range(50):
        batch = world.batch_of([event(round_)])
        world.hear(world.head_end.acknowledgement(batch, answer=SET_ASIDE, set_aside=1))
    assert len(world.delivery.events) == 1
    world.wait(rules.EVENT_SPACING_MS)
    batch = world.batch_of([event(99)])
    world.hear(world.head_end.acknowledgement(batch, answer=SET_ASIDE, set_aside=1))
    assert world.delivery.events[1][1].startswith("49 more before; ")


def test_a_version_that_is_not_spoken_waits_an_hour_and_the_others_go_on():
    world = World()
    first, second, third, fourth = full_window(world)
    world.hear(world.head_end.acknowledgement(first, answer=VERSION_UNSUPPORTED))
    for batch in (second, third, fourth):
        world.hear(world.head_end.store(batch))
    assert any("does not speak our version" in text for text in world.log.warned)
    for _ in range(59):
        world.wait(60000)
    assert len(world.head_end.batches()) == 4 and world.archive.cursor == 0
    world.wait(60000)
    assert world.head_end.batches()[-1].first == 1
    world.hear(world.head_end.store(world.head_end.batches()[-1]))
    assert world.archive.cursor == 20


def test_without_a_connection_nothing_goes_out_and_nothing_is_counted_as_a_try():
    world = World(records=5)
    world.head_end.connected = False
    for _ in range(20):
        world.wait(60000)
    assert not world.head_end.arrivals and world.delivery.progress().timed_out == 0
    world.head_end.connected = True
    world.wait(rules.LINGER_MS)
    assert len(world.head_end.batches()) == 1


def test_a_new_connection_brings_the_schema_and_soon_the_batches_again():
    world = World(records=5)
    world.wait(rules.LINGER_MS)
    world.head_end.number = 2
    world.wait(rules.RECONNECT_MS)
    assert [a.stream for a in world.head_end.arrivals] == ["schema", "batch"] * 2


def test_a_broker_that_takes_nothing_is_asked_again_without_spinning():
    world = World(records=5)
    world.head_end.takes = False
    for _ in range(10):
        world.wait(1000)
    world.head_end.takes = True
    world.wait(0)
    assert [a.stream for a in world.head_end.arrivals] == ["schema", "batch"]


def test_a_few_records_wait_for_more_and_many_do_not():
    world = World(records=3)
    world.wait(rules.LINGER_MS - 1)
    assert not world.head_end.batches()
    world.append(mixed(3, 3))
    world.wait(1)
    assert [(b.first, b.last) for b in world.head_end.batches()] == [(1, 6)]
    world.append(mixed(6, rules.LINGER_RECORDS))
    world.wait(0)
    assert world.head_end.batches()[-1].last == 6 + rules.LINGER_RECORDS


def test_a_batch_of_another_schema_is_a_batch_of_its_own_and_its_schema_goes_first():
    world = World(records=5)
    other = world.archive.keep_schema(encode_schema(schema_of(meters=6)))
    world.append(mixed(5, 5), other)
    world.wait(rules.LINGER_MS)
    world.wait(rules.LINGER_MS)
    assert [a.stream for a in world.head_end.arrivals] == ["schema", "batch"] * 2
    assert [b.schema for b in world.head_end.batches()] == [SCHEMA_ID, other]


def test_records_lost_while_in_flight_change_the_batch_and_both_answers_count():
    for answered in (0, 1):
        world = World(limit_bytes=32 * 1024)
        world.append(mixed(0, 40))
        world.wait(rules.LINGER_MS)
        while not any("not acknowledged" in note for _, note in world.archive.notices()):
            world.append([wide(n) for n in range(8)])
        world.wait(rules.ANSWER_MS)
        batches = [b for b in world.head_end.batches() if b.first == 1]
        assert len(batches) == 2 and batches[0].opened != batches[1].opened
        schema = world.head_end.schemas[SCHEMA_ID]
        assert decode_batch(batches[1].opened, schema).lost == (Lost(1, 40, LOST_FULL, ""),)
        world.hear(world.head_end.store(batches[answered]))
        assert world.archive.cursor == 40


def test_records_whose_schema_nobody_has_are_reported_as_lost_and_the_rest_goes_on():
    world = World(records=5)
    world.flash.damage([n for n in world.flash.names() if n.startswith("schema-")][0], 9)
    world.start()
    other = world.archive.keep_schema(encode_schema(schema_of(meters=6)))
    world.flash.damage([n for n in world.flash.names() if n.startswith("schema-")][0], 9)
    for name in world.flash.names():
        if name.startswith("schema-") and world.flash.content(name) == SCHEMA:
            world.flash.damage(name, 9)
    world.append(mixed(5, 5), other)
    world.delivery._archive = world.archive
    for _ in range(6):
        world.wait(rules.LINGER_MS)
        for batch in world.head_end.batches():
            world.hear(world.head_end.store(batch))
    assert world.archive.backlog == 0
    assert world.head_end.lost == [Lost(1, 5, LOST_DAMAGED, "")]
    assert sorted(world.head_end.committed) == [6, 7, 8, 9, 10]
    assert [kind for kind, _ in world.delivery.events] == [EVENT_ARCHIVE_DAMAGED]


def test_flash_that_refuses_a_counter_delays_delivery_and_does_not_end_it():
    world = World(records=5)
    world.flash.read_only = True
    for _ in range(BLOCK):               # The block that the start has reserved.
        world.counter.take()
    world.wait(rules.LINGER_MS)
    assert not world.head_end.arrivals and "flash fails" in world.log.warned[0]
    world.flash.read_only = False
    world.wait(rules.ANSWER_MS)
    assert len(world.head_end.batches()) == 1


def test_what_was_sent_is_what_the_archive_holds():
    world = World(records=50)
    world.wait(rules.LINGER_MS)
    batch = world.head_end.batches()[0]
    world.head_end.store(batch)
    assert world.head_end.committed == read_all(world.archive)[0]
