"""A concentrator on standby: its uplink is used when the mesh has no gateway, and by delivery then.

Otherwise it is a station like any other, and its uplink, which may be paid by the byte, is closed.
Left out: when there is no gateway (mesh/role.py), the connection itself (a port).
"""

from wum_edge.carry.carriage import Uplink
from wum_edge.log import Log
from wum_edge.uplink.broker import Broker

# States.
RESTING, OPENING, SERVING, CLOSING = 0, 1, 2, 3
OPEN_MS = 60_000             # For the uplink to come up; otherwise we are no gateway.
AWAY_MS = 120_000            # Without it for so long we are none any more.
AGAIN_MS = 300_000           # An uplink that failed is left alone for so long.
CLOSE_MS = 300_000           # It stays open: the mesh may have no gateway after all.


class Place:
    """What is wanted of the station. A port supplies it."""

    def serve(self, is_gateway: bool) -> None:
        raise NotImplementedError

    def stand_by(self, is_standby: bool) -> None:
        """Whether it may become a gateway by itself."""
        raise NotImplementedError


class Either(Broker):
    """Delivery's connection: through the mesh, or by the uplink while that is used."""

    def __init__(self, mesh: Broker, uplink: Broker) -> None:
        self._mesh, self._uplink = mesh, uplink
        self._uses_uplink = False
        self._follow()

    def use(self, is_uplink: bool) -> None:
        self._uses_uplink = is_uplink
        self._follow()

    def session(self) -> int:
        """Those of the uplink are counted from 2; that of the mesh is 1."""
        self._follow()
        if not self._uses_uplink:
            return self._mesh.session()
        number = self._uplink.session()
        return number + 1 if number else 0

    def has_room(self) -> bool:
        return self._used.has_room()

    def publish(self, topic: str, payload: bytes) -> bool:
        is_taken = self._used.publish(topic, payload)
        self.last = self._used.last
        return is_taken

    def answered(self, took_ms: int) -> None:
        self._used.answered(took_ms)

    def withdraw(self, number: int) -> None:
        self._mesh.withdraw(number)

    @property
    def _used(self) -> Broker:
        return self._uplink if self._uses_uplink else self._mesh

    def _follow(self) -> None:
        used = self._used
        self.answer_ms, self.answer_max_ms = used.answer_ms, used.answer_max_ms
        self.reconnect_ms, self.linger_ms = used.reconnect_ms, used.linger_ms
        self.batch_bytes, self.is_dear = used.batch_bytes, used.is_dear


class Standby:
    """Opens the uplink when the relay has become a gateway, and closes it when it is none."""

    def __init__(self, place: Place, uplink: Uplink, either: Either, log: Log) -> None:
        self._place, self._uplink, self._either, self._log = place, uplink, either, log
        self.state = RESTING
        self._since_ms = 0
        self._again_ms: int | None = None

    @property
    def is_gateway(self) -> bool:
        return self.state in (OPENING, SERVING)

    def serving(self, now_ms: int) -> None:
        """The relay has become a gateway."""
        if self.state == RESTING:
            self._uplink.open()
            self._log.say("the mesh has no gateway: this one opens its uplink")
        self._go(SERVING if self._uplink.session() else OPENING, now_ms)
        self._either.use(True)

    def resting(self, now_ms: int) -> None:
        """The relay is none any more, as there is or may be another."""
        if self.is_gateway:
            self._go(CLOSING, now_ms)
            self._either.use(False)

    def tick(self, now_ms: int) -> None:
        is_up = self._uplink.session() != 0
        waited_ms = now_ms - self._since_ms
        if self.is_gateway and is_up:
            self._go(SERVING, now_ms)    # And the time without a session begins anew.
        elif self.state == OPENING and waited_ms >= OPEN_MS or (
                self.state == SERVING and waited_ms >= AWAY_MS):
            self._fail(now_ms)
        elif self.state == CLOSING and waited_ms >= CLOSE_MS:
            self._go(RESTING, now_ms)
            self._uplink.close()
            self._log.say("the mesh has another gateway: the uplink is closed")
        elif self._again_ms is not None and now_ms >= self._again_ms:
            self._again_ms = None
            self._place.stand_by(True)

    def _fail(self, now_ms: int) -> None:
        """No uplink either: another on standby may have one."""
        self._place.stand_by(False)
        self._place.serve(False)
        self._either.use(False)
        self._uplink.close()
        self._again_ms = now_ms + AGAIN_MS
        self._go(RESTING, now_ms)
        self._log.warn("the mesh has no gateway, and this one no uplink: tried again in %d s" % (
            AGAIN_MS // 1000))

    def _go(self, state: int, now_ms: int) -> None:
        self.state, self._since_ms = state, now_ms
