"""Seals frames and opens them: genuine, of this network, and never heard before.

Left out: AES (ccm.py, or the port's own), how the key came here. docs/mesh-protocol.md, 4.
"""

import struct

from wum_edge.mesh.frames import HEADER_SIZE, Header, Malformed, encode_header

WINDOW = 32                  # Frames that may overtake each other on their way through a host.
SOURCES_MAX = 512            # Replay windows that are kept: every station that was ever heard.
RESERVED = 1024              # Counters that a store is told of before any of them is used.
_KEPT = ">HI"
_KEPT_SIZE = 6
_EPOCH = 0                   # In the place of a source, which is never 0: an epoch follows.


class NotOurs(Exception):
    """A frame that is foreign, forged or was heard before; the text says which."""


class Seal:
    """AES-CCM with the network's key: what a port supplies (ccm.Ccm has this form)."""

    def seal(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        raise NotImplementedError

    def open(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        raise NotImplementedError


class _Key:
    """The key of one epoch, and which counters were heard under it: a window for each station."""

    __slots__ = ("epoch", "net", "seal", "windows")

    def __init__(self, seal: Seal, net: int, epoch: int,
                 windows: dict[int, tuple[int, int]]) -> None:
        self.seal, self.net, self.epoch, self.windows = seal, net, epoch, windows


class Guard:
    """One station's side of the link security of an epoch, and for a while of the one before.

    `counter` is the first that was never reserved; `reserve` is called, and its end stored, before
    a counter below it is used, so that no restart uses one twice: under whichever key, for all keys
    are counted by one counter. `windows` is what `kept` gave before the restart: frames that were
    heard before then are not heard again.
    """

    def __init__(self, seal: Seal, net: int, epoch: int, address: int, counter: int = 0,
                 windows: bytes = b"") -> None:
        self.address = address
        self._next = self.reserved_to = self.first = counter
        self._restored = _restored(windows, epoch)
        # The newest first; two at most. Each has windows of its own: who has the old key can make
        # others look as if they had used all counters, but not under a key that he has not.
        self._keys = [_Key(seal, net, epoch, self._restored.pop(epoch, {}))]

    @property
    def net(self) -> int:
        """What stands in the headers of the newest epoch."""
        return self._keys[0].net

    @property
    def epoch(self) -> int:
        """The newest."""
        return self._keys[0].epoch

    @property
    def has_two(self) -> bool:
        """Whether frames of the epoch before are understood as well."""
        return len(self._keys) > 1

    def take_up(self, seal: Seal, net: int, epoch: int) -> None:
        """The key of a newer epoch, beside the newest so far, until `forget`. Counters go on."""
        assert epoch > self.epoch
        self._keys = [_Key(seal, net, epoch, self._restored.pop(epoch, {})), self._keys[0]]

    def forget(self) -> None:
        """Nobody should use the old epoch any more."""
        self._keys = self._keys[:1]

    def has_newest(self, station: int) -> bool:
        """Whether it was heard under the newest key, so that it has that one."""
        return station in self._keys[0].windows

    def kept(self, sources: list[int]) -> bytes:
        """What a store is to hold of these stations' windows: of each epoch behind a record of it.
        """
        found = b""
        for key in self._keys:
            found += struct.pack(_KEPT, _EPOCH, key.epoch) + b"".join(
                [struct.pack(_KEPT, source, key.windows[source][0])
                 for source in sources if source in key.windows])
        return found

    def must_reserve(self) -> bool:
        """Whether the store must be told of new counters before anything is sealed."""
        return self._next >= self.reserved_to

    def reserve(self) -> int:
        """The end of the next block of counters: it must be in the store before the next `seal`.
        """
        self.reserved_to = self._next + RESERVED
        return self.reserved_to

    @property
    def last(self) -> int:
        """The counter that was used last."""
        return self._next - 1

    def heard(self, source: int) -> int:
        """Low 16 bits of the newest counter heard of a station; 0 for none."""
        tops = [key.windows[source][0] for key in self._keys if source in key.windows]
        return max(tops) & 0xFFFF if tops else 0

    def is_recent(self, heard: int) -> bool:
        """Whether a counter with these low bits was used by us since we started."""
        return self._next - self.first > (self._next - 1 - heard & 0xFFFF)

    def seal(self, kind: int, priority: int, destination: int, aux: int, body: bytes,
             is_old: bool = False) -> bytes:
        """The whole frame, under the newest key, or under the one before."""
        assert not self.must_reserve()
        key = self._keys[-1 if is_old else 0]
        header = Header(kind, priority, key.net, self.address, destination, self._next, aux)
        self._next += 1
        head = encode_header(header)
        return head + key.seal.seal(_nonce(header, key.epoch), body, head)

    def is_foreign(self, net: int) -> bool:
        """Whether this is no network number of ours."""
        return net not in [key.net for key in self._keys]

    def check(self, header: Header) -> None:
        """Look at what a frame claims. Raises Malformed, NotOurs for a foreign network."""
        if self.is_foreign(header.net):
            raise NotOurs("network %04x" % header.net)
        if header.source == self.address:
            raise Malformed("a frame of our own")

    def open(self, header: Header, frame: bytes) -> bytes:
        """The body of a frame that `check` has passed. Raises NotOurs."""
        why = ""
        for key in self._keys:               # Of two keys one in 65,535 has the other's number.
            if key.net == header.net:
                body, why = _opened(key, header, frame)
                if body is not None:
                    return body
        raise NotOurs(why)


def _opened(key: _Key, header: Header, frame: bytes) -> tuple[bytes | None, str]:
    """(body, or None; why not)."""
    top, seen = key.windows.get(header.source, (-1, 0))
    behind = top - header.counter
    if behind >= WINDOW or (behind >= 0 and seen >> behind & 1):
        return None, "replay of %d from %04x" % (header.counter, header.source)
    body = key.seal.open(_nonce(header, key.epoch), frame[HEADER_SIZE:], frame[:HEADER_SIZE])
    if body is None:
        return None, "forged, from %04x" % header.source
    if header.source not in key.windows and len(key.windows) >= SOURCES_MAX:
        return None, "more than %d stations" % SOURCES_MAX
    if behind < 0:
        top, seen = header.counter, (seen << min(-behind, WINDOW) | 1) & (1 << WINDOW) - 1
    else:
        seen |= 1 << behind
    key.windows[header.source] = (top, seen)
    return body, ""


def _restored(windows: bytes, epoch: int) -> dict[int, dict[int, tuple[int, int]]]:
    """Windows by epoch; what stands before any record of an epoch is of `epoch`."""
    found: dict[int, dict[int, tuple[int, int]]] = {}
    for at in range(0, len(windows) - len(windows) % _KEPT_SIZE, _KEPT_SIZE):
        source, top = struct.unpack(_KEPT, windows[at:at + _KEPT_SIZE])
        if source == _EPOCH:
            epoch = top
        elif epoch in found:
            found[epoch][source] = (top, (1 << WINDOW) - 1)
        else:
            found[epoch] = {source: (top, (1 << WINDOW) - 1)}
    return found


def _nonce(header: Header, epoch: int) -> bytes:
    return (header.source.to_bytes(2, "big") + header.counter.to_bytes(4, "big")
            + epoch.to_bytes(4, "big") + bytes((header.kind, 0, 0)))
