"""One search of a host's address: name servers asked in turn, over UDP that never blocks.

Left out: what is kept (names.py), the datagrams (dns.py).
"""

import os
import socket

from wum_edge.ports.micropython import dns

ANSWER_MS = 2000             # Of one server; then the next is asked.
TRIES_MAX = 4                # Datagrams of one search: within the time that a broker's has.
_SIZE = 512                  # RFC 1035, 4.2.1.
_EAGAIN = 11


class Search:
    """One search."""

    def __init__(self, names, host, servers):
        self._names, self._host, self._servers = names, host, servers
        self._socket, self._number, self._tries = None, 0, 0
        self._asked_ms = 0
        self._end, self._is_unknown = "", False      # Why no server is asked any more.

    def tick(self):
        """The address once it is known, None until then. Raises OSError with why there is none."""
        found = self._names.kept(self._host)
        if found is not None:
            return found
        try:
            if self._socket is None:
                self._ask()
            found = self._heard()
        except dns.Refused as error:
            self._next(str(error), error.code == dns.NO_SUCH_NAME)
        except ValueError as error:
            self._next(str(error), True)
        except OSError as error:
            self._next(str(error), False)
        else:
            if found is None and self._names.now_ms() - self._asked_ms >= ANSWER_MS:
                self._next("it is silent", False)
        if found is None and self._end:
            found = None if self._is_unknown else self._names.kept(self._host, True)
            if found is None:
                raise OSError(self._end)
            self._names.tell("%s; the address of before is used" % self._end)
        return found

    def close(self):
        """Hear no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _server(self):
        return self._servers[self._tries % len(self._servers)]

    def _ask(self):
        self._number = int.from_bytes(os.urandom(2), "big")
        self._asked_ms = self._names.now_ms()
        said = dns.question(self._number, self._host)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.sendto(said, self._server())

    def _heard(self):
        """The address, if it has come. What is not of our server, or not of our question, is told
        and passed over: the answer may still come.
        """
        while True:
            try:
                data, sender = self._socket.recvfrom(_SIZE)
            except OSError as error:
                if error.args[0] == _EAGAIN:
                    return None      # Nothing yet.
                raise
            try:
                if tuple(sender) != self._server():
                    raise dns.Stray("of %s:%d" % tuple(sender))
                addresses, ttl_s = dns.answer(data, self._number, self._host)
            except dns.Stray as error:
                self._names.tell("%s: what came is no answer to it: %s; passed over" % (
                    self._asked(), error))
                continue
            self.close()
            self._names.keep(self._host, addresses[0], ttl_s)
            return addresses[0]

    def _next(self, why, is_unknown):
        """Another server, or the end: what does not exist is asked for once."""
        words = "%s: %s" % (self._asked(), why)
        self.close()
        self._tries += 1
        if is_unknown or self._tries >= TRIES_MAX:
            self._end, self._is_unknown = words, is_unknown
        else:
            self._names.tell(words)

    def _asked(self):
        return "%s, asked of name server %s:%d" % ((self._host,) + self._server())
