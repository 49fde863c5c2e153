"""Orders to groups at a running station: a gateway floods them, a member carries them out.

Everything here runs in the agent's thread. Left out: what an order says (whoever `carry_out` is).
"""

import time
from collections.abc import Callable

from wum_edge.carry.flooding import Air, Flooding
from wum_edge.carry.group_orders import GroupOrders
from wum_edge.log import Log
from wum_edge.mesh.downward import is_for
from wum_edge.mesh.frames import ALL, GROUP
from wum_edge.mesh.relay import Relay
from wum_edge.ports.linux.mesh_member import Membership
from wum_edge.ports.linux.mesh_station import Station
from wum_shared.errors import WireError
from wum_shared.ripple import RippleOrder, decode_ripple_order, encode_ripple_report
from wum_shared.topics import RIPPLE


class LinuxAir(Air):
    """What flooding wants of the station."""

    def __init__(self, station: Station, member: Membership) -> None:
        self._station, self._member = station, member

    def network(self) -> int:
        return 0 if self._member.keys is None else self._member.keys.network

    def address(self) -> int:
        return self._station.relay.setting.address

    def flood(self, group: int | None, content: bytes, execute_us: int,
              wants_echo: bool) -> int | None:
        def begin(relay: Relay, t_us: int) -> int | None:
            if not relay.gradient.is_gateway:
                return None
            return relay.send_ripple(
                t_us, _destination(group), content, execute_us, wants_echo)
        return self._station.with_relay(begin)

    def flood_again(self, number: int) -> None:
        self._station.with_relay(lambda relay, t_us: relay.repeat_ripple(t_us, number))

    def content_of(self, gateway: int, number: int) -> bytes | None:
        return self._station.with_relay(
            lambda relay, _: relay.ripples.content_of(gateway, number))

    def is_member(self, group: int | None) -> bool:
        """Whether the gateway itself is meant."""
        return self._station.with_relay(
            lambda relay, _: is_for(_destination(group), relay.setting.address, relay.groups))

    def has_time(self) -> bool:
        return self._station.with_relay(lambda relay, _: relay.clock.is_known)


class MeshGroups:
    """Both ends of an order."""

    def __init__(self, station: Station, member: Membership, log: Log) -> None:
        self._air, self._log = LinuxAir(station, member), log
        self._station, self._member = station, member
        self._flooding = Flooding(self._air, log)
        self._is_time_good = False
        self._orders = GroupOrders(self._carried_out, log)
        self.carry_out: Callable[[int, bytes, bool], None] = self._nobody

    def take(self, action: tuple[object, ...], now_ms: int) -> None:
        """What the relay says of ripples."""
        match action:
            case ("ripple", int(gateway), int(number), bytes(content)):
                self._orders.arrived(gateway, number, content)
            case ("execute" | "late" as what, int(gateway), int(number)):
                self._orders.due(gateway, number, what == "late")
            case ("echo", int(gateway), int(number), int(members)):
                self._flooding.echoed(gateway, number, members, now_ms)

    def join(self, numbers: list[int]) -> None:
        """An order says that we are in these, beside those of the configuration."""
        self._member.ordered = numbers
        groups = self._member.groups()
        self._station.with_relay(lambda relay, _: setattr(relay, "groups", groups))

    def tick(self, now_ms: int, is_time_good: bool) -> None:
        self._is_time_good = is_time_good
        self._flooding.tick(now_ms)

    def ordered(self, opened: bytes | None) -> None:
        """The head-end wants something flooded."""
        order: RippleOrder | None = None
        try:
            order = None if opened is None else decode_ripple_order(opened)
        except WireError as error:
            self._log.warn("a ripple order is refused: %s" % error)
        if order is None:
            return
        now_ms = time.monotonic_ns() // 1_000_000
        number = self._flooding.ordered(
            order, now_ms, time.time_ns() // 1_000_000,
            has_time=self._is_time_good and self._air.has_time())
        if number is not None and self._air.is_member(order.group):
            me = self._air.address()
            content = self._air.content_of(me, number)
            assert content is not None       # The newest one.
            self._orders.arrived(me, number, content)
            self._flooding.echoed(me, number, 1 << me, now_ms)

    def tell(self, say: Callable[[str, bytes], bool], at_s: int) -> None:
        """Send what is due of who has what."""
        now_ms = time.monotonic_ns() // 1_000_000
        for report in self._flooding.due(now_ms, at_s):
            if say(RIPPLE, encode_ripple_report(report)):
                self._flooding.told(report.order, now_ms)

    def _carried_out(self, order: int, payload: bytes, is_late: bool) -> None:
        self.carry_out(order, payload, is_late)

    def _nobody(self, order: int, payload: bytes, is_late: bool) -> None:
        self._log.warn("group order %d: %d bytes came, and nobody carries them out" % (
            order, len(payload)))


def _destination(group: int | None) -> int:
    return ALL if group is None else GROUP + group
