"""Questions to a name server, and what it answers: IPv4 addresses of a host. No I/O.

RFC 1035, with names compressed as its 4.1.4 has it. Left out: when whom is asked (names.py); what
is too long for one datagram, which no broker's name is.
"""

from struct import pack, unpack

NAME_MAX, LABEL_MAX = 253, 63
RECORDS_MAX = 32             # Of one answer; more is not looked at.
JUMPS_MAX = 16               # Of one name. A pointer leads back only, so that none goes round.
ALIASES_MAX = 8
ADDRESSES_MAX = 4
_A, _CNAME, _IN = 1, 5, 1
_QUERY_WITH_RECURSION = 0x0100
_REFUSALS = {1: "it takes the question for none", 2: "it failed", 3: "there is no such name",
             4: "it does not do that", 5: "it refuses us"}
NO_SUCH_NAME = 3


class Stray(Exception):
    """It is no answer to this question: somebody else's, or forged. Who asked goes on waiting."""


class Refused(Exception):
    """An answer without an address; `code` is the server's, 0 where it has none."""

    def __init__(self, words, code=0):
        super().__init__(words)
        self.code = code


def question(number, host):
    """A datagram. Raises ValueError for what is no host name."""
    return pack(">HHHHHH", number, _QUERY_WITH_RECURSION, 1, 0, 0, 0) + _asked(host)


def answer(data, number, host):
    """([addresses as text], for how many seconds they are good). Raises Stray, Refused."""
    if len(data) < 12:
        raise Stray("%d bytes" % len(data))
    got, flags, questions, records = unpack(">HHHH", bytes(data[:8]))
    if got != number:
        raise Stray("another number")
    if flags & 0xF800 != 0x8000:
        raise Stray("no answer")
    asked = _asked(host)
    if questions != 1 or bytes(data[12:12 + len(asked)]).lower() != asked.lower():
        raise Stray("another question")
    code = flags & 15
    if code:
        raise Refused(_REFUSALS.get(code, "it says code %d" % code), code)
    try:
        found = _addresses(data, 12 + len(asked), records, host.lower().rstrip("."))
    except IndexError:
        raise Refused("its answer is damaged")
    if not found[0]:
        raise Refused("its answer was cut short" if flags & 0x0200
                      else "the name has no IPv4 address")
    return found


def _asked(host):
    """The question itself: the name, type A, class IN."""
    name = host[:-1] if host.endswith(".") else host
    if not 0 < len(name) <= NAME_MAX:
        raise ValueError("a host name of %d characters" % len(name))
    raw = b""
    for label in name.split("."):
        part = label.encode()
        if not 0 < len(part) <= LABEL_MAX or len(part) != len(label):
            raise ValueError("%s is no host name" % host)
        raw += bytes([len(part)]) + part
    return raw + pack(">BHH", 0, _A, _IN)


def _addresses(data, place, records, host):
    """(addresses of the host or of what it is an alias of, seconds). IndexError where it ends."""
    aliases, places, ttl_s = {}, [], {}
    for _ in range(min(records, RECORDS_MAX)):
        owner, place = _name(data, place)
        kind, group, ttl, size = unpack(">HHIH", _piece(data, place, 10))
        place += 10
        body = _piece(data, place, size)
        if group == _IN and kind == _A and size == 4:
            places.append((owner, "%d.%d.%d.%d" % tuple(body), ttl))
        elif group == _IN and kind == _CNAME:
            aliases[owner] = _name(data, place)[0]
            ttl_s[owner] = ttl
        place += size
    least_s, found = 0x7FFFFFFF, []
    for _ in range(ALIASES_MAX):
        found = [(text, ttl) for owner, text, ttl in places if owner == host]
        if found or host not in aliases:
            break
        least_s = min(least_s, ttl_s[host])
        host = aliases[host]
    return ([text for text, _ in found[:ADDRESSES_MAX]],
            min([least_s] + [ttl for _, ttl in found]))


def _name(data, place):
    """(a name in lower case, where what follows it begins)."""
    labels, after, earliest, size = [], 0, place, 0
    for _ in range(JUMPS_MAX + NAME_MAX // 2):
        length = data[place]
        if not length:
            return ".".join(labels), after or place + 1
        if length >= 0xC0:
            to = (length & 0x3F) << 8 | data[place + 1]
            after = after or place + 2
            if to >= earliest:
                raise IndexError
            place = earliest = to
            continue
        size += length + 1
        if length > LABEL_MAX or size > NAME_MAX + 1:
            raise IndexError
        labels.append("".join([chr(one) for one in _piece(data, place + 1, length)]).lower())
        place += 1 + length
    raise IndexError


def _piece(data, place, size):
    if place + size > len(data):
        raise IndexError
    return bytes(data[place:place + size])
