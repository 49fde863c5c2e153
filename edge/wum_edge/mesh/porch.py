"""Who stands at the door: requests of stations that have no key yet, passed on and answered.

Nothing is known of who asks until the head-end has looked at it: so little is passed on, and
nothing kept. Left out: the bytes (joining.py).
"""

from wum_edge.mesh import joining
from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.downframes import ADMITTED, JOINING
from wum_edge.mesh.frames import FRAME_MAX, HEADER_SIZE, JOIN, Header
from wum_edge.mesh.gradient import RANK_MAX

BURST_MAX = 8                # Requests that are passed on at once, and one more
REFILL_US = 6_000_000        # in this time: a storm of them costs no more than that.
WAITING_MAX = 4              # Answers that wait for the channel.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Porch:
    """Open unless `is_open` is cleared."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self.is_open = True
        self._left, self._filled_us = BURST_MAX, relay.now
        self._answers: list[bytes] = []

    def heard(self, header: Header, frame: bytes) -> None:
        """A frame that no network's key has sealed. Raises Malformed."""
        relay = self._relay
        if header.kind != JOIN or not self.is_open or relay.gradient.rank >= RANK_MAX:
            return
        if joining.is_solicitation(header):
            if self._may():
                relay.trickle.hurry(relay.now, relay.chance())
        elif header.destination == relay.setting.address:
            wanted = frame[HEADER_SIZE:]
            joining.decode_request(wanted)
            if self._may():
                relay.note(bytes((JOINING,)) + wanted)
            else:
                relay.count("join refused")

    def _may(self) -> bool:
        """A bucket of tokens."""
        relay = self._relay
        fresh = (relay.now - self._filled_us) // REFILL_US
        if fresh > 0:
            self._left = min(self._left + fresh, BURST_MAX)
            self._filled_us += fresh * REFILL_US
        if not self._left:
            return False
        self._left -= 1
        return True

    def admit(self, proxy: int, answer_to: int, sealed: bytes) -> None:
        """A gateway's answer to a request that came through `proxy`."""
        word = bytes((ADMITTED,)) + answer_to.to_bytes(2, "big") + sealed
        if proxy == self._relay.setting.address:
            self.answer(word[1:])
        else:
            self._relay.orders.word(proxy, word)

    def answer(self, word: bytes) -> None:
        """An answer has come down: it goes on the air as soon as that is ours."""
        frame = joining.welcome_frame(
            self._relay.setting.address, int.from_bytes(word[:2], "big"), word[2:])
        if len(self._answers) < WAITING_MAX and len(frame) <= FRAME_MAX:
            self._answers.append(frame)

    def is_due(self) -> bool:
        return bool(self._answers)

    def cost_us(self) -> int:
        """Airtime of the answer that is next."""
        return airtime_us(self._relay.setting.ways[0], len(self._answers[0]))

    def next_frame(self) -> bytes:
        return self._answers[0]

    def sent(self) -> None:
        """The answer is out; a joiner that did not hear it asks again."""
        self._answers.pop(0)
