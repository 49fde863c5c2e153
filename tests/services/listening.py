"""What a process and its children can be reached at from outside: read from the kernel's tables.

Listening TCP, bound UDP, raw and packet sockets, Unix sockets that take connections or datagrams,
and the serial devices that are open. Left out: pipes, and what it has connected to by itself.
"""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

_LISTENS, _UNCONNECTED = "0A", "07"         # As include/net/tcp_states.h numbers them.
_TAKES_CONNECTIONS = 0x10000                # __SO_ACCEPTCON, in the flags of /proc/net/unix.


def reachable(pid: int) -> set[str]:
    """As `tcp 127.0.0.1:80`, `udp 0.0.0.0:53`, `unix PATH`, `raw`, `packet`, `serial PATH`."""
    found: set[str] = set()
    for process in _family(pid):
        opened = list(_opened(process))
        inodes = {name[len("socket:["):-1] for name in opened if name.startswith("socket:[")}
        found |= {"serial " + name for name in opened if name.startswith("/dev/tty")
                  or name.startswith("/dev/pts/")}
        found |= set(_sockets(Path("/proc/%d/net" % process), inodes))
    return found


def _family(pid: int) -> Iterator[int]:
    """The process and all that it started, threads' children too."""
    yield pid
    for children in Path("/proc/%d/task" % pid).glob("*/children"):
        for child in children.read_text().split():
            yield from _family(int(child))


def _opened(pid: int) -> Iterator[str]:
    for link in Path("/proc/%d/fd" % pid).iterdir():
        try:
            yield str(link.readlink())
        except FileNotFoundError:           # It was closed meanwhile.
            continue


def _sockets(tables: Path, inodes: set[str]) -> Iterator[str]:
    for name, state in (("tcp", _LISTENS), ("tcp6", _LISTENS), ("udp", _UNCONNECTED),
                        ("udp6", _UNCONNECTED), ("raw", None), ("raw6", None)):
        for row in _rows(tables / name):
            if row[9] in inodes and state in (None, row[3]):
                yield "%s %s" % (name.rstrip("6"), _address(row[1]))
    for row in _rows(tables / "unix"):
        path = row[7] if len(row) > 7 else ""
        if row[6] in inodes and (path or int(row[3], 16) & _TAKES_CONNECTIONS):
            yield "unix " + path
    for row in _rows(tables / "packet"):
        if row[8] in inodes:
            yield "packet"


def _rows(table: Path) -> list[list[str]]:
    """The words of every line but the first, which names the columns."""
    return [line.split() for line in table.read_text().splitlines()[1:]] if table.exists() else []


def _address(written: str) -> str:
    """As the kernel prints it: words of four bytes, each in the machine's order."""
    host, port = written.split(":")
    words = [struct.pack("=I", int(host[at:at + 8], 16)) for at in range(0, len(host), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return "%s:%d" % (socket.inet_ntop(family, b"".join(words)), int(port, 16))
