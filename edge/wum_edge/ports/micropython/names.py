"""Host names of brokers and of network time, found without a call that blocks.

MicroPython's getaddrinfo holds the whole board while name servers are silent. Here servers are
asked in turn; an answer is kept for as long as it says, within bounds, and longer where nobody
answers: TLS tells who is there. Left out: one search (searching.py), the datagrams (dns.py).
"""

PORT = 53
KEPT_MAX = 4                 # Names: a broker, network time, and what was before them.
LEAST_S, MOST_S = 30, 3600   # An address is kept for so long at least, and asked for again then.
STALE_S = 86400              # So long it is used where no server answers.


def is_address(host):
    """Whether this is an IPv4 address, as four numbers."""
    parts = host.split(".")
    return len(parts) == 4 and all(
        part.isdigit() and len(part) < 4 and int(part) < 256 for part in parts)


class Known:
    """A search that is over: what was asked for is an address, or there is nobody to ask."""

    def __init__(self, host, is_found):
        self._host, self._is_found = host, is_found

    def tick(self):
        """See Search.tick."""
        if self._is_found:
            return self._host
        raise OSError("%s: no name server is known: the network has told none (--dns names one)"
                      % self._host)

    def close(self):
        """See Search.close."""


class Names:
    """`servers` gives addresses of name servers, the likeliest first. Where nobody knows any,
    no name is found: the firmware would ask, and block.
    """

    def __init__(self, servers, clock, log):
        self._servers, self._clock, self._log = servers, clock, log
        self._kept = []              # (host, address, when it was found in ms, good for so many ms)
        self._told = ""

    def search(self, host):
        """What finds the address of `host`; `tick` it."""
        if is_address(host):
            return Known(host, True)
        servers = [(one, PORT) if isinstance(one, str) else tuple(one) for one in self._servers()]
        if not servers:
            return Known(host, False)
        from wum_edge.ports.micropython import searching  # Late: many boards name an address.
        return searching.Search(self, host, servers)

    def kept(self, host, is_stale=False):
        """The address of before; None where there is none, or it is too old."""
        now_ms = self._clock.monotonic_ms()
        for name, address, found_ms, good_ms in self._kept:
            if name == host and now_ms - found_ms < (STALE_S * 1000 if is_stale else good_ms):
                return address
        return None

    def keep(self, host, address, ttl_s):
        """Keep it for so long, within bounds."""
        good_ms = max(LEAST_S, min(ttl_s, MOST_S)) * 1000
        others = [one for one in self._kept if one[0] != host]
        self._kept = others[1 - KEPT_MAX:] + [(host, address, self._clock.monotonic_ms(), good_ms)]

    def now_ms(self):
        """Of the board's clock."""
        return self._clock.monotonic_ms()

    def tell(self, words):
        """Say a trouble, once until another comes."""
        if words != self._told:
            self._told = words
            self._log.warn(words)
