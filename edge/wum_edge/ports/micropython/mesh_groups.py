"""Orders to groups at a board's station: a gateway floods them, a member carries them out.

Left out: the flood (carry/flooding.py), what an order says (order_desk.py).
"""

from wum_edge.carry.flooding import Air, Flooding
from wum_edge.carry.group_orders import GroupOrders
from wum_edge.mesh.downward import is_for
from wum_edge.mesh.frames import ALL, GROUP
from wum_shared.errors import WireError
from wum_shared.ripple import decode_ripple_order, encode_ripple_report
from wum_shared.status import NEVER_SET
from wum_shared.topics import RIPPLE

HEARD = ("ripple", "execute", "late", "echo")    # What the relay says for here.


class BoardAir(Air):
    """What flooding wants of the station."""

    def __init__(self, mesh):
        self._mesh = mesh

    def network(self):
        return self._mesh.network

    def address(self):
        return self._mesh.address

    def flood(self, group, content, execute_us, wants_echo):
        relay = self._mesh.relay
        if not relay.gradient.is_gateway:
            return None
        return relay.send_ripple(
            self._mesh.now_us(), _destination(group), content, execute_us, wants_echo)

    def flood_again(self, number):
        self._mesh.relay.repeat_ripple(self._mesh.now_us(), number)

    def content_of(self, gateway, number):
        return self._mesh.relay.ripples.content_of(gateway, number)


class MeshGroups:
    """Both ends of an order. `carry_out` takes (number of the order, payload, is it too late)."""

    def __init__(self, mesh, clock, carry_out, log):
        self._mesh, self._clock, self._log = mesh, clock, log
        self._air = BoardAir(mesh)
        self._flooding = Flooding(self._air, log)
        self._orders = GroupOrders(carry_out, log)

    def take(self, action, now_ms):
        """What the relay says of ripples: one of HEARD."""
        kind = action[0]
        if kind == "ripple":
            self._orders.arrived(action[1], action[2], action[3])
        elif kind == "echo":
            self._flooding.echoed(action[1], action[2], action[3], now_ms)
        else:
            self._orders.due(action[1], action[2], kind == "late")

    def join(self, numbers):
        """An order says that we are in these, beside those of the configuration."""
        self._mesh.relay.groups = set(self._mesh.setting.groups) | set(numbers)

    def ordered(self, opened):
        """The head-end wants something flooded; None: nobody knows who wants it."""
        if opened is None:
            return
        try:
            order = decode_ripple_order(opened)
        except WireError as error:
            self._log.warn("a ripple order is refused: %s" % error)
            return
        relay, now_ms = self._mesh.relay, self._clock.monotonic_ms()
        number = self._flooding.ordered(
            order, now_ms, self._clock.utc_ms(),
            self._clock.quality() != NEVER_SET and relay.clock.is_known)
        me = self._mesh.address
        if number is not None and is_for(_destination(order.group), me, relay.groups):
            self._orders.arrived(me, number, self._air.content_of(me, number))
            self._flooding.echoed(me, number, 1 << me, now_ms)

    def tick(self, say, now_ms):
        """Flood again what somebody lacks, and tell what is due of who has what."""
        self._flooding.tick(now_ms)
        for report in self._flooding.due(now_ms, self._clock.now_s()):
            if say(RIPPLE, encode_ripple_report(report)):
                self._flooding.told(report.order, now_ms)


def _destination(group):
    return ALL if group is None else GROUP + group
