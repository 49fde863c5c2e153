"""What a gateway carries for others: their sealed messages up, and down what the head-end says.

Nothing is opened: whose a message is stands in its seal in clear, and is believed only as far as
where to put it; the head-end tests the seal. Everything waits in RAM and is bounded: a power cut
loses what waits, and its origin sends it again from its archive, which no receipt of the mesh has
freed. Left out: MQTT and the relay (ports).
"""

from wum_edge.carry.envelope import DOWNWARD, UPWARD, unwrap, wrap
from wum_edge.carry.mesh_broker import Mesh
from wum_edge.carry.unanswered import Unanswered
from wum_edge.log import Log
from wum_shared.errors import Malformed
from wum_shared.ids import id_to_text
from wum_shared.topics import ACKNOWLEDGEMENT, BATCH, ENROL, UP, parse_topic, topic

WAITING_MAX = 128            # Messages for the head-end; from here on nothing more is let in ...
WAITING_BYTES_MAX = 512 * 1024
REOPEN = WAITING_MAX // 2    # ... until half of them are gone.
ORIGINS_MAX = 300            # As many as the relay knows ways to.
FORGET_MS = 6 * 3_600_000    # An origin that sent nothing through us for so long.
REFUSED_MS = 600_000         # The broker refused us an origin's topics: asked again after this.


class Uplink:
    """What is wanted of the connection to the head-end. A port supplies it."""

    def session(self) -> int:
        """Number of the present connection; 0 while there is none."""
        raise NotImplementedError

    def open(self) -> None:
        """Connect, and keep connected. Only a standby's is ever closed."""
        raise NotImplementedError

    def close(self) -> None:
        """Disconnect until it is opened again."""
        raise NotImplementedError

    def publish(self, topic: str, payload: bytes) -> bool:
        """Whether the message was taken."""
        raise NotImplementedError

    def also_hear(self, concentrator: bytes, is_wanted: bool) -> None:
        """From now on hear, or hear no more, what is said to this concentrator."""
        raise NotImplementedError

    def hears(self, concentrator: bytes) -> bool | None:
        """Whether it is heard in this session; None while that is open."""
        raise NotImplementedError


class Origin:
    """One concentrator behind us."""

    __slots__ = ("address", "awaited", "carried", "heard_ms", "opens", "refused_ms")

    def __init__(self, address: int, now_ms: int) -> None:
        self.address, self.heard_ms = address, now_ms
        self.carried = 0
        self.awaited = 0                 # Batches handed over, less answers.
        self.opens = False               # An opening of an epoch was, and has no answer yet.
        self.refused_ms: int | None = None


class Carriage:
    """The queue up, and the book of addresses for the way down."""

    def __init__(self, own: bytes, uplink: Uplink, mesh: Mesh, log: Log) -> None:
        self.origins: dict[bytes, Origin] = {}
        self.counts = {"up": 0, "again": 0, "down": 0, "refused": 0, "no room down": 0,
                       "given up": 0, "of another way": 0}
        self._own, self._uplink, self._mesh, self._log = own, uplink, mesh, log
        self._waiting: list[tuple[bytes, str, bytes]] = []
        self._bytes = 0
        self._is_open = True
        self._unanswered = Unanswered()
        self._session = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def delivered(self, address: int, content: bytes, now_ms: int) -> None:
        """An object of the mesh has reached us."""
        failure = ""
        try:
            concentrator, stream, sealed = unwrap(UPWARD, content)
        except Malformed as error:
            failure = str(error)
        if failure or concentrator == self._own:
            self._refuse(address, failure or "it claims to be ours")
            return
        origin = self.origins.get(concentrator)
        if origin is None:
            self._make_room()
            origin = self.origins[concentrator] = Origin(address, now_ms)
            self._uplink.also_hear(concentrator, True)
            self._log.say("carries for concentrator %s, which is station %d" % (
                id_to_text(concentrator), address))
        origin.address, origin.heard_ms = address, now_ms
        if len(self._waiting) >= WAITING_MAX:     # What was under way when we closed.
            self.counts["given up"] += 1
            return
        self._waiting.append((concentrator, stream, sealed))
        self._bytes += len(sealed)
        self._open_or_close()

    def said(self, name: str, sealed: bytes) -> None:
        """Something from the head-end for one of the others."""
        concentrator, _, stream = parse_topic(name)
        origin = self.origins.get(concentrator)
        if origin is None:
            return
        if stream == ACKNOWLEDGEMENT:
            self._unanswered.answered(concentrator)
        if not _is_ours(origin, stream):
            self.counts["of another way"] += 1
            return
        if self._mesh.send_down(origin.address, wrap(DOWNWARD, concentrator, stream, sealed)):
            self.counts["down"] += 1
        else:                    # The origin sends again what it gets no answer for.
            self.counts["no room down"] += 1

    def tick(self, now_ms: int) -> None:
        """Hand over what waits, the oldest first; forget whom nobody hears any more."""
        session = self._uplink.session()
        if session:
            if session != self._session:
                self._unanswered.session_began(now_ms)
            self._hand_over(now_ms)
            self._hand_over_again(now_ms)
        self._session = session
        gone = [key for key, origin in self.origins.items()      # Any order: each for itself.
                if now_ms - origin.heard_ms > FORGET_MS]
        for concentrator in gone:
            self._forget(concentrator)
        self._open_or_close()

    def abandon(self) -> None:
        """We are no gateway any more, and have no uplink: its origin sends again what waits here.
        """
        self._waiting, self._bytes = [], 0
        for concentrator in list(self.origins):
            self._forget(concentrator)
        self._open_or_close()

    def _hand_over(self, now_ms: int) -> None:
        kept: list[tuple[bytes, str, bytes]] = []
        is_full = False
        for entry in self._waiting:
            concentrator, stream, sealed = entry
            origin = self.origins.get(concentrator)
            hears = self._uplink.hears(concentrator)
            if origin is None or hears is False:
                self._give_up(concentrator, origin, now_ms)
            elif is_full or hears is None:
                kept.append(entry)       # First its answers must find us.
            elif self._uplink.publish(topic(concentrator, UP, stream), sealed):
                self.counts["up"] += 1
                origin.carried += 1
                if stream == ENROL:
                    origin.opens = True
                if stream == BATCH:
                    origin.awaited += 1
                    self._unanswered.add(concentrator, topic(concentrator, UP, stream), sealed,
                                         now_ms)
            else:
                is_full = True
                kept.append(entry)
        self._waiting = kept
        self._bytes = sum([len(sealed) for _, _, sealed in kept])

    def _hand_over_again(self, now_ms: int) -> None:
        """What the head-end has not answered in time."""
        for batch in self._unanswered.due(now_ms):
            origin = self.origins.get(batch.concentrator)
            if origin is not None and self._uplink.hears(batch.concentrator) and (
                    self._uplink.publish(batch.name, batch.sealed)):
                self.counts["again"] += 1
                origin.awaited += 1
                self._unanswered.again(batch, now_ms)

    def _give_up(self, concentrator: bytes, origin: Origin | None, now_ms: int) -> None:
        """The broker does not let us speak and hear for this one."""
        self.counts["given up"] += 1
        if origin is None:
            return
        if origin.refused_ms is None or now_ms - origin.refused_ms >= REFUSED_MS:
            if origin.refused_ms is not None:
                self._uplink.also_hear(concentrator, True)
            origin.refused_ms = now_ms
            self._log.warn(
                "the broker does not let this gateway carry for concentrator %s: at the head-end "
                "both must be registered with the same --mesh, this one with --carries, and "
                "wum-cloud broker-files written anew" % id_to_text(concentrator))

    def _open_or_close(self) -> None:
        is_full = len(self._waiting) >= WAITING_MAX or self._bytes >= WAITING_BYTES_MAX
        is_low = len(self._waiting) <= REOPEN and self._bytes <= WAITING_BYTES_MAX // 2
        if self._is_open and is_full or not self._is_open and is_low:
            self._is_open = not is_full
            self._mesh.let_in(self._is_open)
            if is_full:
                self._log.warn("%d messages of others wait for the head-end: the mesh holds back "
                               "what comes" % len(self._waiting))

    def _make_room(self) -> None:
        if len(self.origins) >= ORIGINS_MAX:
            # Any order: the least of pairs is sought.
            oldest = min([(origin.heard_ms, key) for key, origin in self.origins.items()])
            self._forget(oldest[1])

    def _forget(self, concentrator: bytes) -> None:
        del self.origins[concentrator]
        self._unanswered.forget(concentrator)
        self._uplink.also_hear(concentrator, False)

    def _refuse(self, address: int, why: str) -> None:
        self.counts["refused"] += 1
        if self.counts["refused"] == 1:
            self._log.warn("an object of station %d is not carried: %s" % (address, why))


def _is_ours(origin: Origin, stream: str) -> bool:
    """Whether an answer is of what we have carried: another gateway hears it as well."""
    if stream == ACKNOWLEDGEMENT:
        is_ours = origin.awaited > 0
        origin.awaited -= is_ours
    elif stream == ENROL:
        is_ours, origin.opens = origin.opens, False
    else:
        is_ours = True
    return is_ours
