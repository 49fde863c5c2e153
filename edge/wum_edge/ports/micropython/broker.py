"""The connection to the broker: MQTT over a socket that never blocks, one after the other.

`tick` does what can be done at once and returns; a task of asyncio calls it, and so does a line
that waits for a meter. What an old connection had in hand is sent again from the archive. Left out:
the packets (mqtt.py), what is sent when (uplink/), the host's address (names.py).
"""

import select
import socket

from wum_edge.ports.micropython import mqtt
from wum_edge.uplink import broker
from wum_edge.uplink.delivery import WINDOW
from wum_edge.uplink.reconnect import Reconnect
from wum_shared.orders import ORDER_BYTES_MAX
from wum_shared.topics import DOWN
from wum_shared.topics import topic as topic_of

HANDED_OVER_MAX = 2 * WINDOW     # Messages without PUBACK: a window of batches with their schemas.
HEARD_BYTES_MAX = ORDER_BYTES_MAX + 2560         # A grant with the order that comes with it.
TO_SEND_MAX = 24 * 1024          # Bytes that wait to leave: what does not fit stays in the archive.
KEEPALIVE_S = 30
SILENCE_MS = 45000               # A connection that swallows everything is given up.
CONNECT_MS = 10000               # For TCP and TLS, and for the broker's answers.
COMPLAIN_MS = 60000              # The same trouble is said once in this time.
CLOCK_MS = 1000                  # Until it is looked again whether the clock was set.
_PIECE = 1024
_EAGAIN, _EINPROGRESS = 11, (115, 119, 36)      # Each port of MicroPython has its own.
_AWAY, _SEEKING, _JOINING, _GREETING, _ASKING, _UP = 0, 1, 2, 3, 4, 5


class BoardBroker(broker.Broker):
    """`hand` is called with topic and bytes of each message heard. `secure` makes a TLS socket of a
    plain one, or is None."""

    # On flash: some 25 records, which all are in memory to be encoded. By benchmarks/board.py an
    # ESP32 takes less than 0.1 s for each in one turn, and the watchdog waits for 8 s.
    batch_bytes = 512
    heard_bytes = HEARD_BYTES_MAX    # Of a message that is heard, what is longer is passed over.

    def __init__(self, account, subscription, hand, dice, clock, log, up_ms, names, secure=None,
                 waits=None):
        """`account`: (host, port, user, passwords), of which the last is what gives those that may
        be good, the likeliest first. `up_ms`: since power came back; `names` finds addresses.
        """
        self._account = account
        self._subscription = subscription
        self._hand = hand
        self._clock = clock
        self._log = log
        self._names, self._search = names, None
        self._secure = secure
        self._waits = waits or Reconnect(dice)
        self._refused = 0            # So many passwords in a row.
        self._state = _AWAY
        self._due_ms = clock.monotonic_ms() + self._waits.first_ms(up_ms)
        self._socket = None
        self._poll = None
        self._hearing = None
        self._piece = bytearray(_PIECE)      # One for all: it is looked fifty times a second.
        self._to_send = bytearray()
        self._handed_over = 0
        self._number = 0
        self._sessions = 0
        self._heard_ms = self._said_ms = 0
        self._was_up = False
        self._told = ("", 0)
        self.trouble = ""            # Why there is no connection, as far as that is known.
        self.is_wanted = True        # False while there is no network.
        self.is_open = True          # False on standby.
        self._others = {}            # Whom a gateway carries for: None while that is asked.
        self._asked = {}             # Number of a subscription: whose it is.

    def session(self):
        """See Broker.session."""
        return self._sessions if self._state == _UP else 0

    def where(self):
        """(host, port)."""
        return self._account[:2]

    def has_room(self):
        """See Broker.has_room."""
        return (self._state == _UP and self._handed_over < HANDED_OVER_MAX
                and len(self._to_send) < TO_SEND_MAX - self.batch_bytes)

    def publish(self, topic, payload):
        """See Broker.publish."""
        if (self._state != _UP or self._handed_over >= HANDED_OVER_MAX
                or len(self._to_send) + len(payload) > TO_SEND_MAX):
            return False
        self._handed_over += 1
        self._say(mqtt.publish(topic, payload, self._next()))
        return True

    def also_hear(self, concentrator, is_wanted):
        """See carry.carriage.Uplink."""
        if not is_wanted:
            self._others.pop(concentrator, None)
            if self._state == _UP:
                self._say(mqtt.unsubscribe(topic_of(concentrator, DOWN, "+"), self._next()))
            return
        self._others[concentrator] = None
        if self._state == _UP:
            self._subscribe_to(concentrator)

    def hears(self, concentrator):
        """See carry.carriage.Uplink."""
        return self._others.get(concentrator)

    def tick(self):
        """Do what can be done now. Never raises for what the network does."""
        now_ms = self._clock.monotonic_ms()
        if self._state == _AWAY:
            if self.is_wanted and self.is_open and now_ms >= self._due_ms and (
                    self._has_time(now_ms)):
                self._join(now_ms)
            return
        try:
            if self._state == _SEEKING:
                self._seek()
            elif self._state == _JOINING:
                self._greet(now_ms)
            else:
                self._listen(now_ms)
                self._keep_alive(now_ms)
            if self._state > _JOINING:
                self._send(now_ms)
        except (OSError, mqtt.Violation) as error:
            self._hang_up("%s: %s" % ("connection lost" if self._state > _JOINING
                                      else "no connection", error), now_ms)
            return
        if self._state != _AWAY and self._state != _UP and now_ms >= self._due_ms:
            self._hang_up("no answer within %d s" % (CONNECT_MS // 1000), now_ms)
        elif not self.is_wanted:
            self._hang_up("there is no network", now_ms)

    def open(self):
        """See carry.carriage.Uplink."""
        self.is_open = True
        self._due_ms = min(self._due_ms, self._clock.monotonic_ms())

    def close(self):
        """Say good-bye, as far as that can be done at once."""
        self.is_open = False
        if self._state == _UP:
            try:
                self._socket.write(mqtt.DISCONNECT)
            except OSError as error:
                self._log.say("ending without a good-bye: %s" % error)
        if self._state != _AWAY:
            self._hang_up("", self._clock.monotonic_ms())

    def _has_time(self, now_ms):
        """A clock that was never set takes no certificate for valid: no try is wasted on that."""
        if self._secure is None or self._clock.is_set():
            return True
        self._due_ms = now_ms + CLOCK_MS
        self._complain("certificates are judged by the clock, and it was never set: it needs "
                       "network time", now_ms)
        return False

    def _join(self, now_ms):
        self._state = _SEEKING
        self._due_ms = now_ms + CONNECT_MS
        self._hearing = mqtt.Hearing(self.heard_bytes + 256)
        self._to_send = bytearray()
        self._handed_over = 0
        self._asked = {}
        self._search = self._names.search(self._account[0])

    def _seek(self):
        """As soon as its address is known."""
        address = self._search.tick()
        if address is None:
            return
        self._search, self._state = None, _JOINING
        self._socket = socket.socket()
        self._socket.setblocking(False)
        try:
            self._socket.connect(socket.getaddrinfo(address, self._account[1])[0][-1])
        except OSError as error:
            if error.args[0] not in _EINPROGRESS:
                raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLOUT)

    def _greet(self, now_ms):
        """As soon as the connection stands."""
        for _, flags in self._poll.poll(0):
            if flags & ~select.POLLOUT:
                raise OSError("it was refused, or nobody is there")
            self._poll = None
            if self._secure is not None:
                self._socket = self._secure(self._socket)
            self._state = _GREETING
            self._heard_ms = self._said_ms = now_ms
            _, _, user, passwords = self._account
            known = passwords()
            self._say(mqtt.connect(user, user, known[self._refused % len(known)], KEEPALIVE_S))

    def _listen(self, now_ms):
        while True:
            try:
                count = self._socket.readinto(self._piece)
            except OSError as error:
                if error.args[0] == _EAGAIN:
                    return
                raise
            if count is None:
                return
            if not count:
                raise OSError("the other side hung up")
            self._heard_ms = now_ms
            for kind, number, topic, content in self._hearing.take(
                    bytes(memoryview(self._piece)[:count])):
                self._packet(kind, number, topic, content)
                if self._state == _AWAY:
                    return

    def _packet(self, kind, number, topic, content):
        if kind == mqtt.CONNACK:
            if number:
                self._refused += 1
                raise OSError("refused with code %d: is the concentrator registered, and does the "
                              "broker know it?" % number)
            self._refused, self._state = 0, _ASKING
            self._say(mqtt.subscribe(self._subscription, self._next()))
        elif kind == mqtt.SUBACK and self._state == _ASKING:
            if content[:1] != b"\x01":
                raise OSError("the broker does not let us hear %s" % self._subscription)
            self._state = _UP
            for concentrator in list(self._others):
                self._others[concentrator] = None
                self._subscribe_to(concentrator)
            self._sessions += 1
            self._was_up = True
            self._told, self.trouble = ("", 0), ""
            self._log.say("connected to %s:%d" % self._account[:2])
        elif kind == mqtt.SUBACK:
            concentrator = self._asked.pop(number, None)
            if concentrator in self._others:
                self._others[concentrator] = content[:1] == b"\x01"
        elif kind == mqtt.PUBACK:
            self._handed_over = max(0, self._handed_over - 1)
        elif kind == mqtt.PUBLISH:
            if number:
                self._say(mqtt.puback(number))
            if len(content) <= self.heard_bytes:
                self._hand(topic, content)

    def _subscribe_to(self, concentrator):
        number = self._next()
        self._asked[number] = concentrator
        self._say(mqtt.subscribe(topic_of(concentrator, DOWN, "+"), number))

    def _keep_alive(self, now_ms):
        if now_ms - self._heard_ms >= SILENCE_MS:
            raise OSError("nothing was heard for %d s" % (SILENCE_MS // 1000))
        if min(now_ms - self._heard_ms, now_ms - self._said_ms) >= KEEPALIVE_S * 500:
            self._say(mqtt.PING)
            self._said_ms = now_ms

    def _say(self, packet):
        self._to_send.extend(packet)

    def _send(self, now_ms):
        while self._to_send:
            try:
                sent = self._socket.write(memoryview(self._to_send)[:_PIECE])
            except OSError as error:
                if error.args[0] == _EAGAIN:
                    return
                raise
            if not sent:
                return
            self._said_ms = now_ms
            self._to_send = self._to_send[sent:]

    def _next(self):
        self._number = self._number % 0xFFFF + 1
        return self._number

    def _hang_up(self, trouble, now_ms):
        if self._search is not None:
            self._search.close()
            self._search = None
        if self._socket is not None:
            try:
                self._socket.close()
            except OSError as error:    # It is gone all the same.
                trouble = "%s; closing: %s" % (trouble, error)
        self._socket = self._poll = None
        self._to_send = bytearray()
        self._state = _AWAY
        if self._was_up:
            self._was_up = False
            self._waits.connected()
        wait_ms = self._waits.wait_ms()
        self._due_ms = now_ms + wait_ms
        if not self.is_open:
            return
        self._complain("%s; trying again in %d s, records wait in the archive" % (
            trouble, wait_ms // 1000), now_ms, trouble)

    def _complain(self, words, now_ms, trouble=""):
        """Say it at once, and the same trouble again each minute."""
        self.trouble = trouble or words
        if self.trouble != self._told[0] or now_ms >= self._told[1]:
            self._told = (self.trouble, now_ms + COMPLAIN_MS)
            self._log.warn("%s:%d: %s" % (self._account[0], self._account[1], words))
