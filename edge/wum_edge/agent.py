"""The agent: one tick takes what was read into the archive, and moves what the archive holds on.

Portable. Left out: reading meters (a port's threads hand records in), the connection (a port),
and when a tick is: a few times a second, from one thread only.
"""

from collections import namedtuple

from wum_edge.archive.advice import flash_of, help_for, state_of
from wum_edge.archive.errors import ArchiveRefused
from wum_edge.archive.reader import Limits
from wum_edge.archive.ring import Archive, Stamp
from wum_edge.clock import Clock
from wum_edge.log import Log
from wum_edge.telling import Telling
from wum_edge.uplink.counter import Counter, CounterDoubtful
from wum_edge.uplink.delivery import Delivery
from wum_edge.uplink.keys import Keys
from wum_edge.uplink.progress import Progress
from wum_shared.batch import Event, Missed, Row
from wum_shared.condition import COUNT_MAX, FLASH_TAKES, Condition, encode_condition
from wum_shared.fields import shown
from wum_shared.gaps import GapRange
from wum_shared.messages import SEQUENCE_MAX, Schema, encode_schema
from wum_shared.status import (
    EVENT_ARCHIVE_DROPPED,
    EVENT_CLOCK_STEPPED,
    EVENT_CONFIGURATION,
    EVENT_COUNTER_DOUBTFUL,
    EVENT_FLASH_REFUSED,
    EVENT_GROUP_ORDER,
    NEVER_SET,
)
from wum_shared.topics import ACKNOWLEDGEMENT, CONDITION, REQUEST

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable

HOLD_MS = 1000                # Records wait so long for others: one append and sync for all.
HOLD_RECORDS = 64             # So many do not wait.
INBOX_MAX = 4096              # While flash refuses; past it the oldest are given up, and counted.
RETRY_MS = 5000               # After flash has refused.
COMPLAIN_MS = 60000           # How often a refusal that lasts is said again.
EXPIRE_MS = 3600000
CLOCK_BEHIND_S = 3600         # A clock that is this far before the newest record is told.
CLOCK_STEP_MS = 5000          # A clock that moves by more than this between two ticks is told.
GROUP_ORDER = "group-order"   # No topic: what a mesh floods comes here (carry/group_orders.py).
_HORIZON_S = 30 * 86400


class Summary(namedtuple("Summary", (
        "archived", "backlog", "inbox", "stopped", "progress", "trouble"))):
    """Where the agent stands. `stopped` says why nothing is sent, `trouble` what is wrong with
    flash or clock; both are empty when all is well.
    """

    __slots__ = ()
    archived: int
    backlog: int
    inbox: int
    stopped: str
    progress: Progress | None
    trouble: str


class Agent:
    """Joins archive, delivery and clock. Without `delivery` it archives only."""

    # A port with little memory lets fewer wait, and keeps fewer while flash refuses.
    hold_records, inbox_max = HOLD_RECORDS, INBOX_MAX

    def __init__(
            self, *, archive: Archive, delivery: Delivery | None, clock: Clock, schema: Schema,
            log: Log, archived: "Callable[[list[Row | Missed | Event], int], None] | None" = None,
    ) -> None:
        self._archive = archive
        self._delivery = delivery
        self._clock = clock
        self._log = log
        self._archived = archived        # Told what is on flash, and the last sequence number.
        known = archive.schema_like(schema)
        self._schema = known or encode_schema(schema)    # Until it is on flash.
        self._schema_id = b""
        self._is_new_schema = known is None
        self._meters = len(schema.meters)
        self._inbox: list[Row | Missed | Event] = []
        self._inbox_since_ms = 0
        self._given_up = 0
        self._retry_ms = 0
        self._complained_ms: int | None = None
        self._refused_ms = 0             # When flash began to refuse, and with which error.
        self._refused_errno = 0
        self._expire_ms = self._unreadable_ms = clock.monotonic_ms()
        self._stopped = ""
        self._telling = Telling()
        self._listeners: dict[str, Callable[[bytes], None]] = {
            ACKNOWLEDGEMENT: self.heard, REQUEST: self.asked}
        self._newest_s = archive.newest_s or 0   # As of the start, until the clock is set.
        self._horizon_s = self._horizon_ms = 0
        self._look_at_clock()
        self._tell_wrong_clock()

    def take(self, record: Row | Missed | Event) -> None:
        """Take one record; it is archived soon. Its sequence is not looked at."""
        if not self._inbox:
            self._inbox_since_ms = self._clock.monotonic_ms()
        if len(self._inbox) >= self.inbox_max:
            self._inbox.pop(0)
            self._given_up += 1
        self._inbox.append(record)

    def is_full(self) -> bool:
        """Whether so much waits that the next tick archives it, whatever came since when."""
        return len(self._inbox) >= self.hold_records

    def happened(self, kind: int, note: str) -> None:
        """Archive an event of the concentrator itself."""
        self.take(Event(0, self._clock.now_s(), self._clock.quality(), kind, None, note))

    def listen(self, stream: str, take: "Callable[[bytes], None]") -> None:
        """From now on what comes down on this stream goes to `take`, sealed as it came."""
        self._listeners[stream] = take

    def hear(self, stream: str, sealed: bytes) -> None:
        """Take what came down for us. A stream that nobody here knows is told once."""
        if stream in self._listeners:
            self._listeners[stream](sealed)
        else:
            self._listeners[stream] = _pass_over
            self._log.warn("the head-end says something on %s, which is not known here: is it "
                           "newer than this gateway?" % shown(stream))

    def ordered(self, order: int, payload: bytes, is_late: bool) -> None:
        """The moment of an order to a group of the mesh: it goes to whoever listens on GROUP_ORDER,
        and is an event in any case.
        """
        what = "carried out" if GROUP_ORDER in self._listeners else (
            "nothing here carries out such orders")
        self.happened(EVENT_GROUP_ORDER, "order %d, %d bytes: %s" % (
            order, len(payload), "it came too late" if is_late else what))
        if GROUP_ORDER in self._listeners and not is_late:
            self._listeners[GROUP_ORDER](payload)

    def heard(self, sealed: bytes) -> None:
        """Take an acknowledgement as it came from the broker."""
        if self._delivery is not None:
            self._delivery.heard(sealed, self._clock.monotonic_ms())

    def asked(self, sealed: bytes) -> None:
        """Take a gap request as it came from the broker."""
        if self._delivery is not None:
            self._delivery.asked(sealed, self._clock.monotonic_ms())

    def look_again(self, stretch: GapRange, done: "Callable[[bytes, str], None]") -> bool:
        """Send a stretch of the archive once more; whether that was taken in, see Asked.order."""
        return self._delivery is not None and self._delivery.look_again(stretch, done)

    def say(self, stream: str, plaintext: bytes) -> bool:
        """Tell the head-end something that is no record; whether it is on its way."""
        if self._delivery is None:
            return False
        doubtful = ""
        try:
            return self._delivery.say(stream, plaintext)
        except CounterDoubtful as error:
            doubtful = str(error)
        except OSError:
            return False             # Delivery tells of flash that fails.
        self.stop_sending(doubtful)
        return False

    def rekey(self, keys: Keys, counter: Counter) -> None:
        """Seal with new keys from now on; those before stay good for what comes down."""
        if self._delivery is not None:
            self._delivery.rekey(keys, counter)

    def stop_sending(self, why: str) -> None:
        """Send nothing more until a person has acted; go on archiving."""
        self._delivery = None
        self._stopped = why
        self._log.warn(why)
        self.happened(EVENT_COUNTER_DOUBTFUL, why)

    def tick(self) -> None:
        """Do what is due: archive, expire, deliver. Bounded work."""
        now_ms = self._clock.monotonic_ms()
        self._tell_clock_step()
        self._collect_events()
        waited_ms = now_ms - self._inbox_since_ms
        if self._inbox and (waited_ms >= HOLD_MS or self.is_full()):
            self._store(now_ms)
        if now_ms >= self._expire_ms:
            self._expire_ms = now_ms + EXPIRE_MS
            self._archive.expire(self._stamp())
        if self._delivery is not None:
            self._deliver(self._delivery, now_ms)
            self._tell_condition(now_ms)

    def condition(self, now_ms: int) -> Condition:
        """How flash and clock are, for the head-end."""
        refuses = self._complained_ms is not None
        return Condition(
            self._clock.now_s(), self._clock.quality(),
            flash_of(self._refused_errno) if refuses else FLASH_TAKES,
            min((now_ms - self._refused_ms) // 1000, COUNT_MAX) if refuses else 0,
            len(self._inbox) if refuses else 0, min(self._given_up, COUNT_MAX), self._behind_s())

    def close(self) -> None:
        """Archive what is still waiting, as far as flash takes it."""
        self._collect_events()
        if self._inbox:
            self._retry_ms = 0
            self._store(self._clock.monotonic_ms())
        self._archive.keep_cursor()

    def summary(self) -> Summary:
        """For a person's log. Asks flash for nothing: a board says it each minute, and on a page to
        whoever asks.
        """
        progress = None if self._delivery is None else self._delivery.progress()
        return Summary(self._archive.next_sequence - 1, self._archive.backlog,
                       len(self._inbox), self._stopped, progress, self._trouble())

    def oldest_s(self) -> int | None:
        """The time of the oldest record that is not acknowledged and not lost. None without one,
        and while flash cannot be read.
        """
        first = self._archive.cursor + 1
        try:
            span = self._archive.read(first, Limits(SEQUENCE_MAX, 2, 1 << 16), again=True)
        except OSError:
            return None              # Delivery tells of it.
        times: list[int] = []
        if span is not None:
            times = [row.captured_at_s for row in span.rows]
            times += [missed.captured_at_s for missed in span.missed]
            times += [event.at_s for event in span.events]
        return min(times) if times else None

    def _store(self, now_ms: int) -> None:
        """Append the inbox; what flash does not take stays in it."""
        if now_ms < self._retry_ms:
            return
        try:
            if not self._schema_id:
                self._schema_id = self._archive.keep_schema(self._schema)
                self._schema = b""   # Of 64 meters it is as large as their values.
                self._tell_schema()
            self._archive.append(self._inbox, self._schema_id, self._stamp())
            self._tell_archived(len(self._inbox))
            self._inbox = []
        except ArchiveRefused as refused:
            self._tell_archived(refused.kept)
            self._inbox = self._inbox[refused.kept:]
            self._inbox_since_ms = now_ms
            self._retry_ms = now_ms + RETRY_MS
            self._complain(refused, now_ms)
            return
        if self._complained_ms is not None:
            self._complained_ms = None
            self._log.say("flash takes records again")
            self.happened(EVENT_FLASH_REFUSED, "for %d s: %s" % (
                (now_ms - self._refused_ms) // 1000, state_of(self._refused_errno)))
        if self._given_up:
            given_up, self._given_up = self._given_up, 0
            self.happened(EVENT_ARCHIVE_DROPPED,
                          "%d records were never archived: flash took none" % given_up)

    def _complain(self, refused: ArchiveRefused, now_ms: int) -> None:
        if self._complained_ms is None:
            self._refused_ms = now_ms
        elif now_ms - self._complained_ms < COMPLAIN_MS and refused.errno == self._refused_errno:
            return
        self._complained_ms = now_ms
        self._refused_errno = refused.errno
        self._log.warn(
            "%s: %s. %d records wait in memory and are tried again every %d s; what is archived "
            "is still delivered. %s" % (refused, state_of(refused.errno), len(self._inbox),
                                        RETRY_MS // 1000, help_for(refused.errno)))

    def _trouble(self) -> str:
        """What is wrong with flash or clock now, for a person."""
        troubles = []
        if self._complained_ms is not None:
            troubles.append(state_of(self._refused_errno))
        if self._clock.quality() == NEVER_SET:
            troubles.append("the clock was never set")
        elif self._behind_s():
            troubles.append("the clock is behind the newest record")
        return ", ".join(troubles)

    def _tell_wrong_clock(self) -> None:
        """Compare the clock with the newest record: a clock that lost its time is told at once."""
        if self._clock.quality() == NEVER_SET:
            self._log.warn("the clock was never set: records keep their order, their times are "
                           "marked as unknown. Set it (NTP, or date -u -s)")
        behind_s = self._behind_s()
        if behind_s:
            behind = "clock is %d s behind the newest record" % behind_s
            self._log.warn(behind + ": one of the two is wrong. Check the clock (NTP); records "
                           "keep their order in any case")
            self.happened(EVENT_CLOCK_STEPPED, behind)

    def _behind_s(self) -> int:
        """How far the clock is behind the newest record; 0 where it is not, or hardly."""
        behind_s = self._newest_s - self._clock.now_s()
        return behind_s if behind_s > CLOCK_BEHIND_S else 0

    def _tell_condition(self, now_ms: int) -> None:
        condition = self.condition(now_ms)
        if self._telling.is_due(condition, now_ms):
            is_sent = self.say(CONDITION, encode_condition(condition))
            self._telling.done(condition, now_ms, is_sent=is_sent)

    def _tell_archived(self, count: int) -> None:
        if self._archived is not None and count:
            self._archived(self._inbox[:count], self._archive.next_sequence - 1)

    def _tell_schema(self) -> None:
        if self._is_new_schema:
            self._is_new_schema = False
            self.happened(EVENT_CONFIGURATION, "%d meters" % self._meters)

    def _deliver(self, delivery: Delivery, now_ms: int) -> None:
        doubtful = ""
        try:
            delivery.tick(now_ms)
        except CounterDoubtful as error:
            doubtful = str(error)
        except OSError as error:
            if now_ms >= self._unreadable_ms:
                self._unreadable_ms = now_ms + COMPLAIN_MS
                self._log.warn("delivery waits, flash cannot be read: %s" % error)
        if doubtful:
            self.stop_sending(doubtful)

    def _collect_events(self) -> None:
        """What archive and delivery have to tell becomes records like any other."""
        if self._complained_ms is None:  # While flash refuses, they wait where none stands twice.
            for kind, note in self._archive.notices():
                self._log.warn("archive: " + note)
                self.happened(kind, note)
        if self._delivery is not None:
            for kind, note in self._delivery.events:
                self.happened(kind, note)
            self._delivery.events.clear()

    def _stamp(self) -> Stamp:
        return Stamp(self._clock.now_s(), self._clock.quality())

    def _look_at_clock(self) -> None:
        """Note when, by the monotonic clock, the concentrator's clock will show a far moment."""
        self._horizon_s = self._clock.now_s() + _HORIZON_S
        self._horizon_ms = self._clock.monotonic_ms() + self._clock.real_ms_until(self._horizon_s)

    def _tell_clock_step(self) -> None:
        horizon_ms = self._clock.monotonic_ms() + self._clock.real_ms_until(self._horizon_s)
        beyond_s = max(0, self._clock.now_s() - self._horizon_s)     # It leapt by years.
        forward_ms = self._horizon_ms - horizon_ms + 1000 * beyond_s
        if abs(forward_ms) >= CLOCK_STEP_MS:
            moved = "clock moved by %+d s" % (forward_ms // 1000)
            self._log.warn(moved)
            self.happened(EVENT_CLOCK_STEPPED, moved)
            self._newest_s = 0       # Somebody set it: what was archived before proves nothing.
            self._telling.again()
        self._look_at_clock()


def _pass_over(sealed: bytes) -> None:
    """Of a stream that is not known: it was told."""
