"""The agent: what is read is archived before anything else, and goes on from there by itself."""

from tests.edge.headend import KEYS, EvenDice, HeadEnd, Sentences
from tests.edge.records import (
    LIMIT_BYTES,
    SEGMENT_BYTES,
    START_S,
    archive_on,
    mixed,
    read_all,
    row,
    schema_of,
)
from tests.shared.quick_cipher import QuickCipher
from wum_edge import agent as rules
from wum_edge.agent import Agent
from wum_edge.archive.ring import RETENTION_S, Archive, Stamp
from wum_edge.clock import Clock
from wum_edge.uplink.counter import Counter, CounterDoubtful
from wum_edge.uplink.delivery import Delivery
from wum_shared.batch import Event, Row
from wum_shared.messages import Schema
from wum_shared.status import (
    EVENT_ACK_REFUSED,
    EVENT_ARCHIVE_DROPPED,
    EVENT_CLOCK_STEPPED,
    EVENT_CONFIGURATION,
    EVENT_COUNTER_DOUBTFUL,
    FREE_RUNNING,
    NEVER_SET,
    SYNCHRONISED,
)
from wum_shared.topics import CONDITION
from wum_simulator.flash import SimulatedFlash


class HandClock(Clock):
    """Time that moves when the test says so."""

    def __init__(self):
        self.at_ms = 0
        self.offset_s = START_S
        self.is_good = True
        self.is_set = True

    def now_s(self):
        """UTC."""
        return self.offset_s + self.at_ms // 1000

    def quality(self):
        """As the test says."""
        if not self.is_set:
            return NEVER_SET
        return SYNCHRONISED if self.is_good else FREE_RUNNING

    def monotonic_ms(self):
        """Since the test began."""
        return self.at_ms

    def real_ms_until(self, at_s):
        """No compression here."""
        return max(0, (at_s - self.now_s()) * 1000 - self.at_ms % 1000)


class Cabinet:
    """An agent with everything around it."""

    def __init__(self, flash=None):
        self.flash = flash or SimulatedFlash()
        self.clock = HandClock()
        self.head_end = HeadEnd()
        self.start()

    def start(self, schema=None, limit_bytes=LIMIT_BYTES):
        """As after a start of the process."""
        self.log = Sentences()
        self.archive = Archive(self.flash, limit_bytes, b"incarnat", SEGMENT_BYTES)
        self.delivery = Delivery(
            archive=self.archive, counter=Counter(self.flash, KEYS.key_id, 0),
            cipher=QuickCipher(), keys=KEYS, broker=self.head_end, dice=EvenDice(), log=self.log)
        self.agent = Agent(archive=self.archive, delivery=self.delivery, clock=self.clock,
                           schema=schema or schema_of(), log=self.log)

    def run(self, ms, answer=True):
        """Let `ms` pass in ticks of 200 ms, the head-end answering at once."""
        answered = len(self.head_end.batches())
        for _ in range(ms // 200):
            self.clock.at_ms += 200
            self.agent.tick()
            for batch in self.head_end.batches()[answered:] if answer else ():
                self.agent.heard(self.head_end.store(batch))
            answered = len(self.head_end.batches())

    def take(self, records):
        """Hand records in, as the sweeps do."""
        for record in records:
            self.agent.take(record)

    def events(self, kind):
        """Notes of the events of one kind that the head-end has."""
        stored = self.head_end.committed
        return [stored[n].note for n in sorted(stored)
                if type(stored[n]) is Event and stored[n].kind == kind]


def rows_of(records):
    """Rows among records, without their numbers."""
    return sorted([tuple(r)[1:] for r in records if type(r) is Row])


def test_what_is_read_is_archived_and_then_delivered():
    cabinet = Cabinet()
    cabinet.take(mixed(0, 20))
    cabinet.run(5000)
    stored = cabinet.head_end.committed
    assert rows_of([stored[n] for n in sorted(stored)]) == rows_of(mixed(0, 20))
    assert cabinet.agent.summary().backlog == 0


def test_rows_that_come_one_by_one_share_an_append_and_a_batch():
    cabinet = Cabinet()
    operations = cabinet.flash.operations
    for number in range(5):
        cabinet.take([row(number)])
        cabinet.run(200)
    cabinet.run(4000)
    assert len(cabinet.head_end.batches()) == 1
    assert cabinet.flash.operations - operations < 20


def test_a_port_with_little_memory_lets_few_records_wait():
    cabinet = Cabinet()
    cabinet.run(5000)
    cabinet.agent.hold_records = 8
    for number in range(3):
        cabinet.agent.take(row(number))
    cabinet.agent.tick()
    assert not cabinet.agent.is_full() and cabinet.agent.summary().archived == 0
    for number in range(3, 8):
        cabinet.agent.take(row(number))
    assert cabinet.agent.is_full()
    cabinet.agent.tick()
    assert cabinet.agent.summary().inbox == 0 and cabinet.agent.summary().archived >= 8


def test_nothing_is_sent_that_is_not_archived():
    cabinet = Cabinet()
    cabinet.flash.read_only = True
    cabinet.take(mixed(0, 20))
    cabinet.run(60000)
    assert {arrival.stream for arrival in cabinet.head_end.arrivals} == {CONDITION}
    assert cabinet.agent.summary().inbox >= 20


def test_without_a_connection_everything_is_kept_for_later():
    cabinet = Cabinet()
    cabinet.head_end.connected = False
    cabinet.take(mixed(0, 40))
    cabinet.run(60000)
    assert cabinet.agent.summary().backlog >= 40
    cabinet.start()
    cabinet.head_end.connected = True
    cabinet.run(6000)
    stored = cabinet.head_end.committed
    assert rows_of([stored[n] for n in sorted(stored)]) == rows_of(mixed(0, 40))


def test_flash_that_refuses_is_said_once_a_minute_and_takes_everything_later():
    cabinet = Cabinet()
    cabinet.flash.read_only = True
    cabinet.take(mixed(0, 20))
    cabinet.run(130000)
    complaints = [text for text in cabinet.log.warned if "takes no" in text or "take the" in text]
    assert len(complaints) == 3 and "the disk is read-only" in complaints[0]
    assert "Mount it for writing" in complaints[0]
    cabinet.flash.read_only = False
    cabinet.run(10000)
    stored = cabinet.head_end.committed
    assert rows_of([stored[n] for n in sorted(stored)]) == rows_of(mixed(0, 20))
    assert not cabinet.events(EVENT_ARCHIVE_DROPPED)


def test_what_does_not_fit_into_memory_while_flash_refuses_is_counted():
    cabinet = Cabinet()
    cabinet.start(limit_bytes=1 << 20)
    cabinet.flash.read_only = True
    cabinet.head_end.connected = False
    cabinet.take([row(n) for n in range(rules.INBOX_MAX + 6)])  # And the event of a new schema.
    assert cabinet.agent.summary().inbox == rules.INBOX_MAX
    cabinet.flash.read_only = False
    cabinet.agent.close()
    cabinet.agent.close()
    records, _ = read_all(cabinet.archive, first=cabinet.archive.next_sequence - 2)
    notes = [records[n].note for n in sorted(records) if type(records[n]) is Event]
    assert "7 records were never archived: flash took none" in notes


def test_a_port_with_little_memory_keeps_fewer_and_counts_those_as_well():
    cabinet = Cabinet()
    cabinet.agent.inbox_max = 20
    cabinet.flash.read_only = True
    cabinet.take([row(n) for n in range(24)])        # And the event of a new schema.
    assert cabinet.agent.summary().inbox == 20
    cabinet.flash.read_only = False
    cabinet.agent.close()
    cabinet.agent.close()
    records, _ = read_all(cabinet.archive)
    assert [records[n].values for n in sorted(records) if type(records[n]) is Row] == [
        row(n).values for n in range(5, 24)]
    notes = [records[n].note for n in sorted(records) if type(records[n]) is Event]
    assert "5 records were never archived: flash took none" in notes


def test_a_restart_of_the_same_configuration_is_no_new_schema():
    cabinet = Cabinet()
    cabinet.take(mixed(0, 4))
    cabinet.run(5000)
    parts = tuple(schema_of())   # Only its valid-from is a later one.
    cabinet.start(schema=Schema(*(parts[:2] + (START_S + 999,) + parts[3:])))
    cabinet.take(mixed(4, 4))
    cabinet.run(5000)
    assert cabinet.events(EVENT_CONFIGURATION) == ["4 meters"]
    assert len(cabinet.head_end.schemas) == 1
    assert not cabinet.agent._schema     # It is on flash: of 64 meters it takes kilobytes.


def test_another_configuration_is_told_and_its_schema_sent():
    cabinet = Cabinet()
    cabinet.take(mixed(0, 4))
    cabinet.run(5000)
    cabinet.start(schema=schema_of(meters=6))
    cabinet.take(mixed(4, 4))
    cabinet.run(5000)
    assert cabinet.events(EVENT_CONFIGURATION) == ["4 meters", "6 meters"]
    assert len(cabinet.head_end.schemas) == 2


def test_a_clock_that_steps_is_told_and_one_that_runs_is_not():
    cabinet = Cabinet()
    cabinet.run(20000)
    cabinet.clock.offset_s += 3600
    cabinet.run(5000)
    cabinet.clock.offset_s -= 60
    cabinet.run(5000)
    assert cabinet.events(EVENT_CLOCK_STEPPED) == [
        "clock moved by +3600 s", "clock moved by -60 s"]


def test_time_quality_comes_from_the_clock():
    cabinet = Cabinet()
    cabinet.clock.is_good = False
    cabinet.agent.happened(1, "started")
    cabinet.agent.close()
    assert read_all(cabinet.archive)[0][1].time_quality == FREE_RUNNING


def test_refused_acknowledgements_become_events_that_reach_the_head_end():
    cabinet = Cabinet()
    cabinet.agent.heard(b"junk")
    cabinet.run(5000)
    assert len(cabinet.events(EVENT_ACK_REFUSED)) == 1


def test_what_comes_down_goes_to_whoever_listens_and_what_nobody_knows_is_told_once():
    cabinet, heard = Cabinet(), []
    cabinet.agent.listen("order", heard.append)
    cabinet.agent.hear("order", b"switch off")
    cabinet.agent.hear("ack", b"junk")
    for _ in range(2):
        cabinet.agent.hear("tomorrow", b"?")
    cabinet.run(5000)
    assert heard == [b"switch off"] and len(cabinet.events(EVENT_ACK_REFUSED)) == 1
    assert len([said for said in cabinet.log.warned if "'tomorrow'" in said]) == 1


def test_a_doubtful_counter_stops_sending_says_why_and_goes_on_archiving():
    cabinet = Cabinet()

    class Doubtful(Counter):
        def take(self):
            raise CounterDoubtful("give the concentrator new keys")

    cabinet.delivery._counter = Doubtful(cabinet.flash, KEYS.key_id, 0)
    cabinet.take(mixed(0, 20))
    cabinet.run(20000)
    assert not cabinet.head_end.arrivals
    summary = cabinet.agent.summary()
    assert summary.stopped == "give the concentrator new keys" and summary.progress is None
    assert "give the concentrator new keys" in cabinet.log.warned
    kinds = [r.kind for r in read_all(cabinet.archive)[0].values() if type(r) is Event]
    assert kinds.count(EVENT_COUNTER_DOUBTFUL) == 1
    cabinet.take(mixed(20, 4))
    cabinet.run(5000)
    assert cabinet.agent.summary().backlog > 24


def test_a_last_close_keeps_what_was_waiting():
    cabinet = Cabinet()
    cabinet.take(mixed(0, 3))
    cabinet.agent.close()
    kept = read_all(archive_on(cabinet.flash))[0]
    assert rows_of([kept[n] for n in sorted(kept)]) == rows_of(mixed(0, 3))


def test_old_acknowledged_segments_expire_by_themselves():
    cabinet = Cabinet()
    for start in range(0, 320, 40):
        cabinet.take(mixed(start, 40))
        cabinet.run(4000)
    used = cabinet.archive.used_bytes
    cabinet.clock.offset_s += RETENTION_S
    cabinet.take(mixed(500, 320))
    cabinet.run(6000)
    cabinet.clock.offset_s += RETENTION_S
    cabinet.run(3600000, answer=True)
    assert cabinet.archive.used_bytes < used * 2
    assert any("retention" in note for note in cabinet.events(EVENT_ARCHIVE_DROPPED))


def test_the_age_of_what_waits_is_known():
    cabinet = Cabinet()
    cabinet.head_end.connected = False
    assert cabinet.agent.oldest_s() is None
    cabinet.take([row(7), row(8)])
    cabinet.run(3000)
    assert cabinet.agent.oldest_s() == START_S + 7


def test_flash_that_cannot_be_read_for_a_while_delays_delivery():
    cabinet = Cabinet()
    cabinet.take(mixed(0, 20))
    cabinet.run(1200, answer=False)

    def busy(name, offset, size):
        raise OSError(24, "too many open files")

    read, cabinet.flash.read = cabinet.flash.read, busy
    cabinet.run(10000)
    assert not cabinet.head_end.batches()
    assert len([t for t in cabinet.log.warned if "cannot be read" in t]) == 1
    assert cabinet.agent.summary().backlog >= 20 and cabinet.agent.oldest_s() is None
    cabinet.flash.read = read
    cabinet.run(6000)
    stored = cabinet.head_end.committed
    assert rows_of([stored[n] for n in sorted(stored)]) == rows_of(mixed(0, 20))


def test_a_clock_that_was_never_set_is_told_and_nothing_is_lost_for_it():
    cabinet = Cabinet()
    cabinet.clock.is_set = False
    cabinet.start()
    assert any("never set" in text and "NTP" in text for text in cabinet.log.warned)
    assert cabinet.agent.summary().trouble == "the clock was never set"
    cabinet.take(mixed(0, 4))
    cabinet.run(5000)
    stored = cabinet.head_end.committed
    assert rows_of([stored[n] for n in sorted(stored)]) == rows_of(mixed(0, 4))


def test_a_clock_behind_the_newest_record_is_told_at_the_start_and_nothing_is_lost_for_it():
    cabinet = Cabinet()
    cabinet.take(mixed(0, 4))
    cabinet.run(5000)
    cabinet.clock.offset_s -= 86400
    cabinet.start()
    cabinet.take(mixed(4, 4))
    cabinet.run(5000)
    assert any("behind the newest record" in text for text in cabinet.log.warned)
    assert any("behind the newest record" in note
               for note in cabinet.events(EVENT_CLOCK_STEPPED))
    stored = cabinet.head_end.committed
    assert rows_of([stored[n] for n in sorted(stored)]) == rows_of(mixed(0, 8))


def test_a_clock_that_leaps_by_years_costs_one_acknowledged_segment_an_hour():
    cabinet = Cabinet()
    for start in range(0, 800, 20):
        cabinet.take(mixed(start, 20))
        cabinet.run(3000)
    assert cabinet.archive.backlog == 0
    segments = len([n for n in cabinet.flash.names() if n.startswith("segment")])
    assert segments > 3
    cabinet.archive.expire(Stamp(2**32 - 1, SYNCHRONISED))
    left = len([n for n in cabinet.flash.names() if n.startswith("segment")])
    assert left == segments - 1
