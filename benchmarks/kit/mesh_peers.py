"""Other people's ways to relay, reduced to what matters, on the same air and under the same law.

Each stands for a family: plain flood; managed flood (Meshtastic: the weaker it was heard, the
sooner it is repeated; who hears a repetition keeps silent; 7 hops; three tries by the origin);
a static tree of fewest hops without and with acknowledgements and three tries (LoRaMesher's
unreliable and reliable packets, with routes known from the start, which is kind to them).
None of them is that project's code. All keep the duty account, listen before they send, and draw
a longer wait each time the channel was busy.
"""

import struct
from heapq import heapify, heappop, heappush

from wum_edge.mesh.airtime import Modulation, airtime_us
from wum_edge.mesh.duty import Ledger
from wum_simulator.world import Stream

HEAD = ">BHHHHBB"            # Kind, from, to, origin, number, fragment with last bit, hops left.
HEAD_SIZE = struct.calcsize(HEAD)
CONTENT_MAX = 255 - HEAD_SIZE - 4
ALL = 0xFFFF
_DATA, _ACK = 1, 2
_SLOT_US = 24_000
_QUEUE_MAX = 96


class Peer:
    """What all of them share: a queue, the law, and listening before sending."""

    content_max = CONTENT_MAX

    def __init__(self, address: int, is_gateway: bool, way: Modulation, duty: int, t_us: int,
                 dice: Stream) -> None:
        self.address, self.is_gateway = address, is_gateway
        self.way, self.dice, self.now = way, dice, t_us
        self.ledger = Ledger(duty, t_us, was_silent=True)
        self.queue: list[tuple[int, bytes]] = []         # When, and what; a heap.
        self.seen: set[tuple[int, ...]] = set()
        self.pieces: dict[tuple[int, int], dict[int, bytes]] = {}
        self.dropped = 0
        self._actions: list[tuple[object, ...]] = []
        self._number, self._busy, self._sending = 0, 0, b""
        self._booked = (t_us, 0)
        self._wakes: list[tuple[int, object]] = []
        self.last_source = 0

    def actions(self) -> list[tuple[object, ...]]:
        taken, self._actions = self._actions, []
        return taken

    def next_deadline(self) -> int | None:
        times = [] if self._sending or not self.queue else [self.queue[0][0]]
        times += [when for when, _ in self._wakes]
        return min(times) if times else None

    def submit(self, t_us: int, content: bytes, priority: int) -> int | None:
        self.now = max(self.now, t_us)
        step = self.content_max
        starts = range(0, len(content), step)
        if len(self.queue) + len(starts) > _QUEUE_MAX // 2:
            return None
        self._number = (self._number + 1) & 0xFFFF
        for at, start in enumerate(starts):
            last = 0x80 if start + step >= len(content) else 0
            self.originate(struct.pack(
                HEAD, _DATA, self.address, self.towards(), self.address, self._number, at | last,
                self.hops()) + content[start:start + step] + bytes(4))
        return self._number

    def on_rx(self, t_us: int, frame: bytes, rssi_dbm: int, snr_q4: int, rate: int) -> None:
        self.now = max(self.now, t_us)
        kind, source, to, origin, number, piece, hops = struct.unpack(HEAD, frame[:HEAD_SIZE])
        self.last_source = source
        self.receive(kind, source, to, (origin, number, piece), hops, frame, snr_q4)

    def on_tx_done(self, t_us: int, token: int, airtime: int) -> None:
        self.now = max(self.now, t_us)
        frame, self._sending = self._sending, b""
        if not airtime:
            self.ledger.give_back(*self._booked)
            self._busy = min(self._busy + 1, 6)
            heappush(self.queue, (self.now + self.wait_us(2 << self._busy), frame))
        else:
            self._busy = 0
            self.was_sent(frame)

    def on_tick(self, t_us: int) -> None:
        self.now = max(self.now, t_us)
        for wake in [wake for wake in self._wakes if wake[0] <= self.now]:
            self._wakes.remove(wake)
            self.woken(wake[1])
        if self.queue and self.queue[0][0] <= self.now and not self._sending:
            entry = heappop(self.queue)
            self._booked = (self.now, airtime_us(self.way, len(entry[1])))
            if not self.ledger.take(*self._booked):
                heappush(self.queue, (self.now + 10_000_000, entry[1]))
                return
            self._sending = entry[1]
            self._actions.append(("tx", 1, entry[1], 0, 0, True))

    def wait_us(self, slots: int) -> int:
        return self.dice.randrange(max(slots, 1) * _SLOT_US)

    def wake_at(self, when_us: int, what: object) -> None:
        """Have `woken(what)` called then."""
        self._wakes.append((when_us, what))

    def woken(self, what: object) -> None:
        raise NotImplementedError

    def send_at(self, when_us: int, frame: bytes) -> None:
        if len(self.queue) >= _QUEUE_MAX:
            self.dropped += 1
        else:
            heappush(self.queue, (when_us, frame))

    def deliver(self, key: tuple[int, int, int], frame: bytes) -> None:
        origin, number, piece = key
        parts = self.pieces.setdefault((origin, number), {})
        parts[piece] = frame[HEAD_SIZE:-4]
        last = [at & 127 for at in parts if at & 128]
        if last and len(parts) == last[0] + 1:
            whole = b"".join(parts[at] for at in sorted(parts, key=lambda at: at & 127))
            self._actions.append(("deliver", origin, number, whole))

    # What a family decides.

    def towards(self) -> int:
        return ALL

    def hops(self) -> int:
        return 255

    def originate(self, frame: bytes) -> None:
        self.send_at(self.now + self.wait_us(4), frame)

    def was_sent(self, frame: bytes) -> None:
        pass

    def receive(self, kind: int, source: int, to: int, key: tuple[int, int, int], hops: int,
                frame: bytes, snr_q4: int) -> None:
        raise NotImplementedError

    def relayed(self, frame: bytes, to: int) -> bytes:
        """The frame as this station passes it on."""
        kind, _, _, origin, number, piece, hops = struct.unpack(HEAD, frame[:HEAD_SIZE])
        return struct.pack(HEAD, kind, self.address, to, origin, number, piece,
                           hops - 1) + frame[HEAD_SIZE:]


class Flood(Peer):
    """Everybody repeats everything once."""

    def receive(self, kind: int, source: int, to: int, key: tuple[int, int, int], hops: int,
                frame: bytes, snr_q4: int) -> None:
        if key in self.seen or key[0] == self.address:
            return
        self.seen.add(key)
        if self.is_gateway:
            self.deliver(key, frame)
        elif hops > 1:
            self.send_at(self.now + self.wait_us(16), self.relayed(frame, ALL))


class ManagedFlood(Flood):
    """Who heard it weakest repeats first, and silences the others."""

    TRIES, RETRY_US = 3, 20_000_000

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)                     # type: ignore[arg-type]
        self._mine: dict[tuple[int, int, int], int] = {}

    def hops(self) -> int:
        return 7

    def originate(self, frame: bytes) -> None:
        super().originate(frame)
        key = struct.unpack(HEAD, frame[:HEAD_SIZE])[3:6]
        self._mine[key] = self.TRIES

    def was_sent(self, frame: bytes) -> None:
        key = struct.unpack(HEAD, frame[:HEAD_SIZE])[3:6]
        if self._mine.get(key, 0) > 1:                   # Until somebody is heard to repeat it.
            self._mine[key] -= 1
            self.send_at(self.now + self.RETRY_US + self.wait_us(64), frame)

    def receive(self, kind: int, source: int, to: int, key: tuple[int, int, int], hops: int,
                frame: bytes, snr_q4: int) -> None:
        if key in self.seen or key[0] == self.address:
            self._mine.pop(key, None)
            self.queue = [entry for entry in self.queue
                          if struct.unpack(HEAD, entry[1][:HEAD_SIZE])[3:6] != key]
            heapify(self.queue)
            return
        self.seen.add(key)
        if self.is_gateway:
            self.deliver(key, frame)
        elif hops > 1:
            window = min(max((snr_q4 // 4 + 8) // 2, 1), 16)
            self.send_at(self.now + self.wait_us(window) + window * _SLOT_US // 2,
                         self.relayed(frame, ALL))


class Tree(Peer):
    """A tree that is given from the start; nothing is ever acknowledged."""

    tries = 1
    parent = 0

    def towards(self) -> int:
        return self.parent

    def receive(self, kind: int, source: int, to: int, key: tuple[int, int, int], hops: int,
                frame: bytes, snr_q4: int) -> None:
        if to != self.address:
            return
        if kind == _ACK:
            self.acknowledged(key)
            return
        if self.tries > 1:
            self.send_at(self.now, struct.pack(HEAD, _ACK, self.address, source, *key, 1))
        sign = self.sign_of(key, hops)
        if sign in self.seen:
            return
        self.seen.add(sign)
        if self.is_gateway:
            self.deliver(key, frame)
        elif hops > 1:
            self.send_at(self.now + self.wait_us(8), self.relayed(frame, self.parent))

    def sign_of(self, key: tuple[int, int, int], hops: int) -> tuple[int, ...]:
        """By which this station knows a frame again."""
        return key

    def acknowledged(self, key: tuple[int, int, int]) -> None:
        pass


class ReliableTree(Tree):
    """The same tree; every hop is acknowledged, and tried four times."""

    tries = 4
    WAIT_US = 1_200_000

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)                     # type: ignore[arg-type]
        self._left: dict[tuple[int, ...], int] = {}      # Tries, by key and hops left.

    def was_sent(self, frame: bytes) -> None:
        parts = struct.unpack(HEAD, frame[:HEAD_SIZE])
        if parts[0] != _DATA:
            return
        key = parts[3:]
        left = self._left.setdefault(key, self.tries) - 1
        self._left[key] = left
        if left < self.tries - 1:
            self.resent()
        if left > 0:
            doublings = min(self.tries - left, 5)
            self.send_at(self.now + self.WAIT_US + self.wait_us(16 << doublings),
                         self.readdressed(frame))
        else:
            del self._left[key]

    def resent(self) -> None:
        """What was sent before has not been acknowledged."""

    def readdressed(self, frame: bytes) -> bytes:
        """The frame as it is sent the next time."""
        return frame

    def acknowledged(self, key: tuple[int, int, int]) -> None:
        self.queue = [entry for entry in self.queue
                      if struct.unpack(HEAD, entry[1][:HEAD_SIZE])[3:6] != key
                      or entry[1][0] == _ACK]
        heapify(self.queue)
