"""Other people's ways to find a way, reduced to what matters, on the same air and under the same
law: families beside those of mesh_peers.py, of which none is that project's code.

Source route (MeshCore: what has no route floods and gathers one, the answer brings it back, then
relays pass on and forget; the origin tries three times and floods again). Distance vector
(LoRaMesher: hops, told every 120 s, forgotten after 600 s; here every hop is acknowledged and only
the gateway's route is told, both of which are kind). ETX tree (CTP: expected transmissions measured
by acknowledgements, Trickle, up to 30 tries a hop; without its beacons where data show a loop).
"""

import struct

from kit.mesh_peers import ALL, HEAD, HEAD_SIZE, Peer, ReliableTree

_DATA, _ACK, _HELLO, _ROUTED, _ANSWER = 1, 2, 3, 4, 5
_NOWHERE = 0xFFFF
_TO = 3                      # Where HEAD says to whom.
Key = tuple[int, int, int]


class SourceRoute(Peer):
    """A list of relays in front of the content: gathered by a flood, or followed."""

    PATH_MAX, TRIES = 32, 3
    content_max = Peer.content_max - 1 - 2 * PATH_MAX

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)                     # type: ignore[arg-type]
        self._route: list[int] | None = None             # To the gateway, us left out.
        self._open: dict[Key, tuple[int, bytes]] = {}    # Tries left, content.
        self._arrived_keys: set[Key] = set()

    def hops(self) -> int:
        return self.PATH_MAX

    def originate(self, frame: bytes) -> None:
        key, content = _key(frame), frame[HEAD_SIZE:-4]
        self._open[key] = (self.TRIES, content)
        self._send(key, content)

    def _send(self, key: Key, content: bytes) -> None:
        kind, path = (_DATA, []) if self._route is None else (_ROUTED, self._route)
        self._pass_on(kind, key, path, content, path[0] if path else ALL, 4)

    def _pass_on(self, kind: int, key: Key, path: list[int], content: bytes, to: int,
                 slots: int) -> None:
        head = struct.pack(HEAD, kind, self.address, to, *key, self.hops())
        self.send_at(self.now + self.wait_us(slots), head + _path(path) + content + bytes(4))

    def was_sent(self, frame: bytes) -> None:
        key = _key(frame)
        if key in self._open and frame[0] in (_DATA, _ROUTED):
            self.wake_at(self.now + 6_000_000 + self.wait_us(256), key)

    def woken(self, key: object) -> None:
        """No answer in time: another try, the last ones by a flood."""
        left, content = self._open.pop(key, (0, b""))    # type: ignore[arg-type, call-overload]
        if left > 1:
            self._open[key] = (left - 1, content)        # type: ignore[index]
            if left == 2:
                self._route = None
            self._send(key, content)                     # type: ignore[arg-type]

    def receive(self, kind: int, source: int, to: int, key: Key, hops: int, frame: bytes,
                snr_q4: int) -> None:
        path, content = _split(frame)
        if kind == _DATA:
            self._flooded(key, path, content)
        elif to == self.address and kind == _ROUTED:
            self._follow(key, path, content)
        elif to == self.address and kind == _ANSWER:
            self._answered(key, path, content)

    def _flooded(self, key: Key, path: list[int], content: bytes) -> None:
        if key in self.seen or key[0] == self.address:
            return
        self.seen.add(key)
        if self.is_gateway:
            self._arrived(key, path, content)
        elif len(path) < self.PATH_MAX:
            self._pass_on(_DATA, key, [*path, self.address], content, ALL, 5)

    def _follow(self, key: Key, path: list[int], content: bytes) -> None:
        at = path.index(self.address) + 1 if self.address in path else len(path)
        if at < len(path):
            self._pass_on(_ROUTED, key, path, content, path[at], 1)
        elif self.is_gateway:
            self._arrived(key, path[:-1], content)

    def _arrived(self, key: Key, path: list[int], content: bytes) -> None:
        """At the gateway: the answer goes back the way by which this came."""
        if key not in self._arrived_keys:
            self._arrived_keys.add(key)
            self.deliver(key, bytes(HEAD_SIZE) + content + bytes(4))
        back = [*reversed(path), key[0]]
        self._pass_on(_ANSWER, key, back, b"", back[0], 1)

    def _answered(self, key: Key, path: list[int], content: bytes) -> None:
        at = path.index(self.address) + 1
        if at < len(path):
            # Each knows who spoke last on the way up: the gateway is whoever began the answer.
            self._pass_on(_ANSWER, key, path, content or _path([self.last_source]), path[at], 1)
            return
        self._open.pop(key, None)
        gateway = _read_path(content)[0] if content else [self.last_source]
        self._route = [*reversed(path[:-1]), *gateway]


class DistanceVector(ReliableTree):
    """The neighbour that tells of the fewest hops."""

    HELLO_US, FORGET_US, TRIES_MAX = 120_000_000, 600_000_000, 4
    tries = TRIES_MAX

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)                     # type: ignore[arg-type]
        self._told: dict[int, tuple[int, int, int]] = {}     # Cost, when, signal to noise.
        self.cost = 0 if self.is_gateway else _NOWHERE
        self.wake_at(self.now + self.wait_us(200), _HELLO)

    def hops(self) -> int:
        return 64

    def woken(self, what: object) -> None:
        self.send_at(self.now, struct.pack(
            HEAD, _HELLO, self.address, ALL, 0, self.cost, 0, 1) + bytes(14))
        self.wake_at(self.now + self.HELLO_US + self.wait_us(200), _HELLO)

    def submit(self, t_us: int, content: bytes, priority: int) -> int | None:
        return super().submit(t_us, content, priority) if self.parent else None

    def readdressed(self, frame: bytes) -> bytes:
        """To today's parent; the hops left stay as they are, for it has not gone one yet."""
        return frame[:_TO] + struct.pack(">H", self.parent) + frame[_TO + 2:]

    def link_cost(self, other: int, snr_q4: int) -> int:
        return 16

    def receive(self, kind: int, source: int, to: int, key: Key, hops: int, frame: bytes,
                snr_q4: int) -> None:
        if kind == _HELLO:
            self._told[source] = (key[1], self.now, snr_q4)
            self.choose()
        else:
            super().receive(kind, source, to, key, hops, frame, snr_q4)

    def choose(self) -> None:
        if self.is_gateway:
            return
        found = [(cost + self.link_cost(other, snr), other)
                 for other, (cost, when, snr) in self._told.items()
                 if cost < _NOWHERE and self.now - when < self.FORGET_US]
        best = min(found, default=(_NOWHERE, 0))
        for cost, other in found:
            if other == self.parent and cost < best[0] + self.stays():
                best = (cost, other)
        if best[1] != self.parent:
            self.changed()
        self.cost, self.parent = best

    def stays(self) -> int:
        """How much cheaper another must be."""
        return 1

    def changed(self) -> None:
        """There is another parent."""


class EtxTree(DistanceVector):
    """The neighbour over which the fewest transmissions are expected."""

    HELLO_US, FORGET_US = 512_000_000, 3_600_000_000
    tries = 30

    def __init__(self, *arguments: object) -> None:
        self._interval_us, self._timer = 8_000_000, 0
        self._quality: dict[int, int] = {}               # Of 256.
        super().__init__(*arguments)

    def woken(self, what: object) -> None:
        if what not in (_HELLO, -self._timer):
            return               # An earlier change has put another timer in this one's place.
        self.send_at(self.now, struct.pack(
            HEAD, _HELLO, self.address, ALL, 0, self.cost, 0, 1) + bytes(14))
        self._interval_us = min(self._interval_us * 2, self.HELLO_US)
        self.wake_at(self.now + self._interval_us // 2
                     + self.dice.randrange(self._interval_us // 2), -self._timer)

    def changed(self) -> None:
        if self._interval_us > 8_000_000:
            self._interval_us = 8_000_000
            self._timer += 1
            self.wake_at(self.now + self.wait_us(200), -self._timer)

    def stays(self) -> int:
        return 24            # CTP's PARENT_SWITCH_THRESHOLD of 1.5 transmissions.

    def sign_of(self, key: Key, hops: int) -> tuple[int, ...]:
        """What comes again by a loop has fewer hops left, and is no copy (CTP's THL)."""
        return key if self.is_gateway else (*key, hops)

    def link_cost(self, other: int, snr_q4: int) -> int:
        assumed = 250 if snr_q4 >= 0 else 190 if snr_q4 >= -16 else 60
        return 16 * 256 // max(self._quality.get(other, assumed), 16)

    def resent(self) -> None:
        self._sample(0)

    def acknowledged(self, key: Key) -> None:
        super().acknowledged(key)
        self._sample(256)

    def _sample(self, got: int) -> None:
        self._quality[self.parent] = (self._quality.get(self.parent, 224) * 9 + got) // 10
        self.choose()


def _key(frame: bytes) -> Key:
    found: Key = struct.unpack(HEAD, frame[:HEAD_SIZE])[3:6]
    return found


def _path(path: list[int]) -> bytes:
    return bytes((len(path),)) + struct.pack(f">{len(path)}H", *path)


def _read_path(content: bytes) -> tuple[list[int], bytes]:
    end = 1 + 2 * content[0]
    return list(struct.unpack(f">{content[0]}H", content[1:end])), content[end:]


def _split(frame: bytes) -> tuple[list[int], bytes]:
    return _read_path(frame[HEAD_SIZE:-4]) if frame[0] not in (_ACK, _HELLO) else ([], b"")
