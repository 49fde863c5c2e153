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


class NotOurs(Exception):
    """A frame that is foreign, forged or was heard before; the text says which."""


class Seal:
    """AES-CCM with the network's key: what a port supplies (ccm.Ccm has this form)."""

    def seal(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        raise NotImplementedError

    def open(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        raise NotImplementedError


class Guard:
    """One station's side of the link security of an epoch, and for a while of the one before.

    `counter` is the first that was never reserved; `reserve` is called, and its end stored, before
    a counter below it is used, so that no restart uses one twice. `windows` is what `kept` gave
    before the restart: frames that were heard before then are not heard again.
    """

    def __init__(self, seal: Seal, net: int, epoch: int, address: int, counter: int = 0,
                 windows: bytes = b"") -> None:
        self.net, self.address = net, address
        self._seal, self.epoch = seal, epoch
        self._before: tuple[int, Seal, int] | None = None
        self._next = self.reserved_to = self.first = counter
        self._windows: dict[int, tuple[int, int]] = {}
        for at in range(0, len(windows) - len(windows) % _KEPT_SIZE, _KEPT_SIZE):
            source, top = struct.unpack(_KEPT, windows[at:at + _KEPT_SIZE])
            self._windows[source] = (top, (1 << WINDOW) - 1)

    def renew(self, seal: Seal, net: int, epoch: int) -> None:
        """A new epoch: we seal with its key from now on, and open frames of the old one too, until
        `forget`. Counters go on.
        """
        self._before = (self.net, self._seal, self.epoch)
        self.net, self._seal, self.epoch = net, seal, epoch

    def forget(self) -> None:
        """Nobody should use the old epoch any more."""
        self._before = None

    def kept(self, sources: list[int]) -> bytes:
        """What a store is to hold of these stations' windows."""
        return b"".join([struct.pack(_KEPT, source, self._windows[source][0])
                         for source in sources if source in self._windows])

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
        return max(self._windows.get(source, (-1, 0))[0], 0) & 0xFFFF

    def is_recent(self, heard: int) -> bool:
        """Whether a counter with these low bits was used by us since we started."""
        return self._next - self.first > (self._next - 1 - heard & 0xFFFF)

    def seal(self, kind: int, priority: int, destination: int, aux: int, body: bytes) -> bytes:
        """The whole frame."""
        assert not self.must_reserve()
        header = Header(kind, priority, self.net, self.address, destination, self._next, aux)
        self._next += 1
        head = encode_header(header)
        return head + self._seal.seal(self._nonce(header, self.epoch), body, head)

    def is_foreign(self, net: int) -> bool:
        """Whether this is no network number of ours."""
        return net != self.net and (self._before is None or net != self._before[0])

    def check(self, header: Header) -> None:
        """Look at what a frame claims. Raises Malformed, NotOurs for a foreign network."""
        if self.is_foreign(header.net):
            raise NotOurs("network %04x" % header.net)
        if header.source == self.address:
            raise Malformed("a frame of our own")

    def open(self, header: Header, frame: bytes) -> bytes:
        """The body of a frame that `check` has passed. Raises NotOurs."""
        top, seen = self._windows.get(header.source, (-1, 0))
        behind = top - header.counter
        if behind >= WINDOW or (behind >= 0 and seen >> behind & 1):
            raise NotOurs("replay of %d from %04x" % (header.counter, header.source))
        seal, epoch = self._seal, self.epoch
        if header.net != self.net and self._before is not None:
            _, seal, epoch = self._before
        body = seal.open(self._nonce(header, epoch), frame[HEADER_SIZE:], frame[:HEADER_SIZE])
        if body is None:
            raise NotOurs("forged, from %04x" % header.source)
        if behind < 0:
            top, seen = header.counter, (seen << min(-behind, WINDOW) | 1) & (1 << WINDOW) - 1
        else:
            seen |= 1 << behind
        if header.source not in self._windows and len(self._windows) >= SOURCES_MAX:
            raise NotOurs("more than %d stations" % SOURCES_MAX)
        self._windows[header.source] = (top, seen)
        return body

    def _nonce(self, header: Header, epoch: int) -> bytes:
        return (header.source.to_bytes(2, "big") + header.counter.to_bytes(4, "big")
                + epoch.to_bytes(4, "big") + bytes((header.kind, 0, 0)))
