"""MQTT 3.1.1 as a client speaks it: packets made, and bytes heard taken apart. No I/O.

Of the standard only what a gateway needs: clean sessions, QoS 1 up and down, no will, no retained
messages of our own. Left out: connections, times and what is sent when (broker.py). OASIS MQTT
Version 3.1.1.
"""

from struct import pack

CONNACK, PUBLISH, PUBACK, SUBACK, UNSUBACK, PINGRESP = 2, 3, 4, 9, 11, 13
PING = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
REFUSED = 0x80               # A SUBACK's code of a subscription that was refused.
PACKET_MAX = 268435455       # Four bytes of seven bits (2.2.3).
_CLEAN, _PASSWORD, _USER = 0x02, 0x40, 0x80


class Violation(Exception):
    """The other side does not speak MQTT 3.1.1; the connection is to be closed."""


def connect(client, user, password, keepalive_s):
    """CONNECT with a clean session (3.1)."""
    head = _text("MQTT") + bytes([4, _CLEAN | _PASSWORD | _USER]) + pack(">H", keepalive_s)
    return _packet(0x10, head + _text(client) + _text(user) + _text(password))


def publish(topic, payload, number):
    """PUBLISH at QoS 1 (3.3)."""
    return _packet(0x32, _text(topic) + pack(">H", number) + payload)


def puback(number):
    """PUBACK (3.4)."""
    return _packet(0x40, pack(">H", number))


def subscribe(topic, number):
    """SUBSCRIBE to one filter at QoS 1 (3.8)."""
    return _packet(0x82, pack(">H", number) + _text(topic) + b"\x01")


def unsubscribe(topic, number):
    """UNSUBSCRIBE from one filter (3.10)."""
    return _packet(0xA2, pack(">H", number) + _text(topic))


class Hearing:
    """Bytes in, packets out. A PUBLISH whose packet is longer than `most` is skipped unheard."""

    def __init__(self, most):
        self.skipped = 0             # Packets that were longer.
        self._most = most
        self._waiting = bytearray()
        self._skip = 0

    def take(self, data):
        """Packets that are whole now: (kind, number or code, topic, content). Raises Violation.

        CONNACK gives its code, SUBACK its number and the code as content, PUBACK its number,
        PUBLISH number (0 at QoS 0), topic and payload.
        """
        if self._skip:
            count = min(self._skip, len(data))
            self._skip -= count
            data = data[count:]
        self._waiting.extend(data)
        found = []
        while True:
            begin, size = _length(self._waiting)
            if not begin:
                return found
            if size > self._most:
                self.skipped += 1
                there = len(self._waiting) - begin
                self._skip = max(0, size - there)
                self._waiting = self._waiting[begin + size:]
                continue
            if len(self._waiting) < begin + size:
                return found
            packet = _taken_apart(self._waiting[0], bytes(self._waiting[begin:begin + size]))
            self._waiting = self._waiting[begin + size:]
            if packet is not None:
                found.append(packet)


def _length(data):
    """(where the content begins, how long it is); (0, 0) while that is not there yet (2.2.3)."""
    size = 0
    for place in range(1, 5):
        if place >= len(data):
            return 0, 0
        size |= (data[place] & 0x7F) << 7 * (place - 1)
        if data[place] < 0x80:
            return place + 1, size
    raise Violation("a length of more than four bytes")


def _taken_apart(first, content):
    kind = first >> 4
    if kind == PUBLISH:
        return _heard(first >> 1 & 3, content)
    if kind == PINGRESP:
        return kind, 0, "", b""
    if len(content) < 2 or kind not in (CONNACK, PUBACK, SUBACK, UNSUBACK):
        raise Violation("a packet of kind %d with %d bytes" % (kind, len(content)))
    if kind == CONNACK:
        return kind, content[1], "", b""
    return kind, content[0] << 8 | content[1], "", content[2:]


def _heard(quality, content):
    if len(content) < 2:
        raise Violation("a message without a topic")
    end = 2 + (content[0] << 8 | content[1])
    rest = end + (2 if quality else 0)
    if quality > 1 or rest > len(content):
        raise Violation("a message at QoS %d with %d bytes" % (quality, len(content)))
    number = content[end] << 8 | content[end + 1] if quality else 0
    try:
        return PUBLISH, number, str(content[2:end], "utf-8"), content[rest:]
    except (UnicodeError, ValueError):
        raise Violation("a topic that is no UTF-8")


def _packet(first, content):
    size = len(content)
    assert size <= PACKET_MAX
    head = bytearray([first])
    while True:
        head.append(size & 0x7F | (0x80 if size > 0x7F else 0))
        size >>= 7
        if not size:
            return bytes(head) + content


def _text(text):
    raw = text.encode()
    return pack(">H", len(raw)) + raw
