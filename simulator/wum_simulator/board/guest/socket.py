"""TCP and UDP sockets over the machine's own. Names resolve when a socket connects."""

import io
import json

import _board
import _memory
from utime import ticks_add, ticks_diff, ticks_ms

AF_INET, SOCK_STREAM, SOCK_DGRAM, IPPROTO_TCP, SOL_SOCKET, SO_REUSEADDR = 2, 1, 2, 6, 0xFFF, 4
EAGAIN, EINPROGRESS, ETIMEDOUT = 11, 119, 116     # As an ESP32 numbers them.
_SENDING_MAX = 16384     # What waits to leave; a board has less.
_FOREVER_MS = 1 << 28


def getaddrinfo(host, port, af=0, type=SOCK_STREAM, proto=0, flags=0):
    """One answer, as a board gives."""
    return [(AF_INET, type or SOCK_STREAM, proto, "", (host, int(port)))]


class socket(io.IOBase):
    """A socket; `wire` is its number, 0 before it has one."""

    def __init__(self, af=AF_INET, type=SOCK_STREAM, proto=0, wire=0):
        self.wire = wire
        self._type = type
        self._timeout_ms = _FOREVER_MS
        self._bound = ("0.0.0.0", 0)
        if type == SOCK_DGRAM:
            self.wire = _board.open("udp", "{}")

    def setblocking(self, flag):
        self._timeout_ms = _FOREVER_MS if flag else 0

    def settimeout(self, timeout_s):
        self._timeout_ms = _FOREVER_MS if timeout_s is None else int(timeout_s * 1000)

    def setsockopt(self, *option):
        pass

    def connect(self, address):
        self.wire = _board.open("tcp", json.dumps({"host": address[0], "port": address[1]}))
        if not self._timeout_ms:
            raise OSError(EINPROGRESS)
        self._await(self.is_open, ETIMEDOUT)

    def bind(self, address):
        self._bound = address

    def listen(self, backlog=5):
        self.wire = _board.open("listen", json.dumps(
            {"host": self._bound[0], "port": self._bound[1]}))
        while not self.is_open():
            _board.wait(20)

    def getsockname(self):
        return (self._bound[0], _board.local_port(self.wire))

    def accept(self):
        found = []

        def is_there():
            wire = _board.accept(self.wire)
            if wire:
                found.append(wire)
            return bool(wire)
        self._await(is_there, EAGAIN)
        return socket(wire=found[0]), ("127.0.0.1", 0)

    def sendto(self, data, address):
        held = bytes(data)
        _board.tell("send", self.wire, json.dumps(
            {"data": held.hex(), "host": address[0], "port": address[1]}))
        return len(held)

    def recvfrom(self, size):
        self._await(self.is_readable, EAGAIN if not self._timeout_ms else ETIMEDOUT)
        sender = json.loads(_board.sender(self.wire))
        return self._taken(size), tuple(sender or ())

    def recv(self, size):
        self._await(self.is_readable, EAGAIN if not self._timeout_ms else ETIMEDOUT)
        return self._taken(size)

    def read(self, size=-1):
        """Non-blocking: what is there, None for nothing. Blocking: all of it, b"" at the end."""
        if not self._timeout_ms:
            if not self.is_readable():
                return None
            return self._taken(size if size >= 0 else _board.waiting(self.wire))
        parts, left = [], size
        while left:
            part = self.recv(left if left > 0 else 4096)
            if not part:
                break
            parts.append(part)
            left -= len(part) if left > 0 else 0
        return b"".join(parts)

    def readinto(self, buffer, size=-1):
        data = self.read(len(buffer) if size < 0 else size)
        if data is None:
            return None
        buffer[:len(data)] = data
        return len(data)

    def readline(self):
        line = b""
        while not line.endswith(b"\n"):
            piece = self.read(1)
            if not piece:
                break
            line += piece
        return line

    def write(self, data):
        """Bytes taken; None when none are."""
        _board.hear()
        if not self.is_writable():
            if not self._timeout_ms:
                return None
            self._await(self.is_writable, ETIMEDOUT)
        held, address, size = _memory.given(data)
        if size:
            _board.say(self.wire, address, size)
        return size

    def send(self, data):
        sent = self.write(data)
        if sent is None:
            raise OSError(EAGAIN)
        return sent

    sendall = send

    def close(self):
        if self.wire:
            _board.close(self.wire)
            self.wire = 0

    def is_open(self):
        """Connected, or listening. Raises OSError where it failed."""
        _board.hear()
        if _board.error(self.wire):
            raise OSError(_board.error(self.wire))
        return _board.is_open(self.wire)

    def is_readable(self):
        """Whether a read would not wait."""
        _board.hear()
        return bool(not self.wire or _board.waiting(self.wire) or _board.is_ended(self.wire)
                    or _board.error(self.wire))

    def is_writable(self):
        """Whether a write would not wait."""
        return self.is_open() and _board.sending(self.wire) < _SENDING_MAX

    def ioctl(self, request, argument):
        """MP_STREAM_POLL: which of the events it was asked for; MP_STREAM_CLOSE."""
        if request == 4:
            self.close()
        if request != 3:
            return 0
        try:
            is_writable = self.is_writable()
        except OSError:
            return 8 | 16 | argument
        return (1 if self.is_readable() else 0) & argument | (4 if is_writable else 0) & argument

    def _taken(self, size):
        if not _board.waiting(self.wire):
            if _board.error(self.wire):
                raise OSError(_board.error(self.wire))
            return b""
        data = bytearray(min(size, _board.waiting(self.wire)))
        count = _board.take(self.wire, _memory.address(data), len(data))
        return bytes(memoryview(data)[:count])

    def _await(self, is_so, otherwise):
        until = ticks_add(ticks_ms(), self._timeout_ms)
        while not is_so():
            left = ticks_diff(until, ticks_ms())
            if left <= 0:
                raise OSError(otherwise)
            _board.wait(min(left, 1000))
