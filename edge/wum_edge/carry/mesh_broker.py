"""The head-end as it looks from a concentrator without an uplink of its own: through the mesh.

What delivery hands over goes into custody as an object; what comes down is handed to the agent. It
means what it means over MQTT: only the head-end's acknowledgement moves the cursor, and a receipt
of the mesh moves nothing. Left out: the relay and its thread (a port).
"""

from wum_edge.carry.envelope import DOWNWARD, UPWARD, unwrap, wrap
from wum_edge.log import Log
from wum_edge.uplink.broker import Broker
from wum_shared.errors import Malformed
from wum_shared.topics import BATCH, ENROL, parse_topic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PIECES_WANTED = 12           # Room for a batch of 2.7 kB; more than that is a batch only once.
COPIES_MAX = 16              # Of objects whose missing fragments a gateway may ask for.
COPIES_BYTES_MAX = 64 * 1024
_PRIORITY_BATCH, _PRIORITY_OTHER = 2, 1
_ANSWER_LEAST_MS, _ANSWER_FIRST_MS, _ANSWER_MOST_MS = 20_000, 60_000, 1_800_000
_TAGS_MAX = 64


class Mesh:
    """What is wanted of a station of the mesh. A port supplies it; every call returns at once."""

    def has_room(self, pieces: int) -> bool:
        """Whether an object of so many pieces would be taken into custody now."""
        raise NotImplementedError

    def submit(self, content: bytes, priority: int) -> int | None:
        """Take an object of ours towards a gateway; its number, None when there is no room."""
        raise NotImplementedError

    def resubmit(self, number: int, content: bytes, here: int, priority: int) -> None:
        """Send those of its pieces that a gateway lacks."""
        raise NotImplementedError

    def withdraw(self, number: int) -> None:
        """Of an object of ours nothing more need be sent."""
        raise NotImplementedError

    def send_down(self, address: int, content: bytes) -> bool:
        """At a gateway: send an object to a station; False: too many are under way."""
        raise NotImplementedError

    def let_in(self, is_open: bool) -> None:
        """At a gateway: whether anything more may come."""
        raise NotImplementedError


class MeshBroker(Broker):
    """Delivery's connection. Its session is one and lasts: custody waits where a wire breaks."""

    answer_max_ms = 3_600_000
    reconnect_ms = 60_000
    linger_ms = 20_000           # A frame is dear, and a batch of two sweeps hardly longer.
    is_dear = True
    batch_bytes = 3_000          # On flash; sealed it takes at most three times that, 40 pieces.

    def __init__(
            self, mesh: Mesh, log: Log, hear: "Callable[[str, bytes], None]") -> None:
        """`hear` takes (stream, sealed message)."""
        self.answer_ms = _ANSWER_FIRST_MS
        self.sent = self.received = self.refused = 0
        self._mesh, self._log, self._hear = mesh, log, hear
        self._copies: dict[int, tuple[bytes, int]] = {}
        self._tags: list[bytes] = []     # Of what came down.

    def session(self) -> int:
        return 1

    def has_room(self) -> bool:
        return self._mesh.has_room(PIECES_WANTED)

    def publish(self, topic: str, payload: bytes) -> bool:
        own, _, stream = parse_topic(topic)
        priority = _PRIORITY_BATCH if stream == BATCH else _PRIORITY_OTHER
        content = wrap(UPWARD, own, stream, payload)
        number = self._mesh.submit(content, priority)
        if number is None:
            return False
        self.sent += 1
        self.last = number
        self._keep(number, content, priority)
        return True

    def receive(self, content: bytes) -> None:
        """An object has come down to us. One that is damaged or of no known kind is counted."""
        failure = ""
        try:
            _, stream, sealed = unwrap(DOWNWARD, content)
        except Malformed as error:
            failure = str(error)
        if failure:
            self.refused += 1
            if self.refused == 1:
                self._log.warn("from the mesh: " + failure)
            return
        if stream != ENROL and self._is_second(sealed):
            return
        self.received += 1
        self._hear(stream, sealed)

    def _is_second(self, sealed: bytes) -> bool:
        """Whether it came before: two gateways may both have heard it for us. Trust documents are
        the same in each answer that brings them, and have no seal of their own.
        """
        tag = sealed[-16:]
        if tag in self._tags:
            return True
        self._tags = self._tags[1 - _TAGS_MAX:] + [tag]
        return False

    def want(self, number: int, here: int) -> None:
        """A gateway has only a part of an object: send the rest, if we still have it."""
        found = self._copies.get(number)
        if found is not None:
            self._mesh.resubmit(number, found[0], here, found[1])

    def withdraw(self, number: int) -> None:
        """The head-end has it: a copy that was sent again costs no more airtime than it has."""
        self.done(number)
        self._mesh.withdraw(number)

    def done(self, number: int) -> None:
        """A gateway has it whole, or it is given up: delivery sends it again if it must."""
        self._copies.pop(number, None)

    def _keep(self, number: int, content: bytes, priority: int) -> None:
        self._copies[number] = (content, priority)
        while len(self._copies) > COPIES_MAX or sum(
                [len(copy) for copy, _ in self._copies.values()]) > COPIES_BYTES_MAX:
            del self._copies[min(self._copies)]

    def answered(self, took_ms: int) -> None:
        """Patience is four times what answers take. From the last time that a batch was sent: an
        outage says nothing of how long they take, and where that is more than the patience, what
        is left over is still long enough for it to grow.
        """
        wanted_ms = max(min(4 * took_ms, _ANSWER_MOST_MS), _ANSWER_LEAST_MS)
        self.answer_ms = (3 * self.answer_ms + wanted_ms) // 4
