"""Who stands at the door: requests of stations that have no key yet, passed on and answered.

Nothing is known of who asks until the head-end has looked at it: so little is passed on, and
nothing kept. Left out: the bytes (joining.py).
"""

from wum_edge.mesh import joining
from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.downframes import ADMITTED, JOINING
from wum_edge.mesh.frames import FRAME_MAX, HEADER_SIZE, JOIN, Header
from wum_edge.mesh.gradient import RANK_MAX

UNDER_WAY_MAX = 8            # Requests without an answer: a storm costs no more than so many in
                             # twice the time that answers take, which counts as
_WAY_MAX_US = 120_000_000    # this at most,
WAY_MIN_US = 10_000_000      # this at least,
WAY_US = 45_000_000          # and before one has come as this.
_NO_WAY_US = 3_000_000       # A gateway answers at once whom it answers at all.
WAITING_MAX = 8              # Answers and words that wait for the channel.
_HAIL_US = 6_000_000         # Between two beacons for those who ask who is there.
_TURN_S, _TURNS_MAX = 8, 8   # For each of those that were told to come again before.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Porch:
    """Open unless `is_open` is cleared."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self.is_open = True
        self._turns = 0
        self._seen_us = WAY_US                  # What a request and its answer take.
        self._since_us: dict[int, int] = {}      # By the address that waits for an answer.
        self._hailed_us = relay.now - _HAIL_US
        self._answers: list[tuple[int, bytes]] = []
        self._words: list[tuple[int, bytes]] = []
        self._out = (0, b"")

    def heard(self, header: Header, frame: bytes) -> None:
        """A frame that no network's key has sealed. Raises Malformed."""
        relay = self._relay
        if header.kind != JOIN or not self.is_open or relay.gradient.rank >= RANK_MAX:
            return
        if joining.is_solicitation(header):
            if relay.now - self._hailed_us >= _HAIL_US:
                self._hailed_us = relay.now
                relay.trickle.hurry(relay.now, relay.chance())
        elif header.destination == relay.setting.address:
            self._asked(frame[HEADER_SIZE:])

    def _asked(self, content: bytes) -> None:
        relay, request = self._relay, joining.decode_request(content)
        self._give_up()
        if request.answer_to in self._since_us:      # An answer to its first one will do as well.
            wait_s, is_on_its_way = self._way_s(), True
        elif len(self._since_us) < UNDER_WAY_MAX:
            self._turns = max(self._turns - 1, 0)
            self._since_us[request.answer_to] = relay.now
            relay.note(bytes((JOINING,)) + content)
            wait_s, is_on_its_way = self._way_s(), True
        else:
            relay.count("join refused")
            self._turns = min(self._turns + 1, _TURNS_MAX)
            wait_s, is_on_its_way = _TURN_S * self._turns, False
        self._say(request.answer_to, joining.wait(request.nonce, wait_s, is_on_its_way))

    def _way_s(self) -> int:
        """Until when an answer should have come."""
        return 2 * self._way_us() // 1_000_000

    def _way_us(self) -> int:
        return _NO_WAY_US if self._relay.gradient.is_gateway else self._seen_us

    def _give_up(self) -> None:
        """Requests that will hardly be answered any more make room."""
        now, since_us = self._relay.now, self._since_us
        patience_us = 2 * self._way_us()
        for answer_to in [one for one in since_us if now - since_us[one] > patience_us]:
            del since_us[answer_to]
            self._seen_us = min(self._seen_us * 3 // 2, _WAY_MAX_US)

    def admit(self, proxy: int, answer_to: int, sealed: bytes) -> None:
        """A gateway's answer to a request that came through `proxy`."""
        word = bytes((ADMITTED,)) + answer_to.to_bytes(2, "big") + sealed
        if proxy == self._relay.setting.address:
            self.answer(word[1:])
        else:
            self._relay.orders.word(proxy, word)

    def answer(self, word: bytes) -> None:
        """An answer has come down: it goes on the air as soon as that is ours."""
        answer_to = int.from_bytes(word[:2], "big")
        since_us = self._since_us.pop(answer_to, None)
        if since_us is not None:
            self._seen_us = max((self._seen_us + self._relay.now - since_us) // 2, WAY_MIN_US)
        self._say(answer_to, word[2:])

    def _say(self, answer_to: int, content: bytes) -> None:
        """Answers go before words, and in the place of one to the same station."""
        frame = joining.welcome_frame(self._relay.setting.address, answer_to, content)
        if len(frame) > FRAME_MAX:
            return
        is_word = len(content) == joining.WAIT_SIZE
        if not is_word:
            self._words = [one for one in self._words if one[0] != answer_to]
        queue = self._words if is_word else self._answers
        if len(queue) < WAITING_MAX:
            queue.append((answer_to, frame))

    def is_due(self) -> bool:
        return bool(self._answers or self._words)

    def cost_us(self) -> int:
        """Airtime of the answer that is next."""
        return airtime_us(self._relay.setting.ways[0], len(self.next_frame()))

    def next_frame(self) -> bytes:
        self._out = (self._answers or self._words)[0]
        return self._out[1]

    def sent(self) -> None:
        """The answer is out; a joiner that did not hear it asks again."""
        for queue in (self._answers, self._words):
            if self._out in queue:
                queue.remove(self._out)
