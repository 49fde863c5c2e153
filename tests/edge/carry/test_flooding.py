"""Orders to groups: flooded by a gateway, told of, and carried out once by each member."""

from tests.edge.carry.test_carriage import Sentences
from wum_edge.carry.flooding import AGAIN_MS, KEPT_MAX, LATER_MS, SOON_MS, Air, Flooding
from wum_edge.carry.group_orders import DONE_MAX, WAITING_MAX, GroupOrders
from wum_shared.ripple import (
    FLOODED,
    NO_GATEWAY,
    NO_TIME,
    ORDER_MAX,
    TOO_LATE,
    RippleOrder,
    bits_of,
)

NETWORK, AT_S = 9, 1_760_000_000
AT_MS = AT_S * 1000


class Street(Air):
    def __init__(self):
        self.flooded, self.again, self.is_gateway = [], [], True
        self.others = {}

    def network(self):
        return NETWORK

    def address(self):
        return 1

    def flood(self, group, content, execute_us, wants_echo):
        self.wants_echo = wants_echo
        if not self.is_gateway:
            return None
        self.flooded.append((group, content, execute_us))
        return 100 + len(self.flooded)

    def flood_again(self, number):
        self.again.append(number)

    def content_of(self, gateway, number):
        return self.others.get((gateway, number))


def order_of(number=17, **more):
    told = {"network": NETWORK, "group": 7, "execute_ms": AT_MS + 5000, "until_s": AT_S + 60,
            "expected": bits_of([2, 3]), "payload": b"off"}
    told.update(more)
    return RippleOrder(number, told["network"], told["group"], told["execute_ms"],
                       told["until_s"], told["expected"], told["payload"])


class Gateway:
    def __init__(self):
        self.street, self.log = Street(), Sentences()
        self.flooding = Flooding(self.street, self.log)

    def ordered(self, order, now_ms=0, has_time=True):
        return self.flooding.ordered(order, now_ms, AT_MS, has_time)

    def told(self, now_ms):
        """(order, outcome, members) of what is told at that time."""
        found = self.flooding.due(now_ms, AT_S)
        for report in found:
            assert (report.network, report.gateway, report.at_s) == (NETWORK, 1, AT_S)
            self.flooding.told(report.order, now_ms)
        return [(one.order, one.outcome, one.members) for one in found]


def test_where_nobody_is_expected_nobody_is_asked_for_an_echo():
    gateway = Gateway()
    assert gateway.ordered(order_of()) and gateway.street.wants_echo
    assert gateway.ordered(order_of(18, expected=b"")) and not gateway.street.wants_echo
    gateway.flooding.tick(60_000)
    assert gateway.street.again == [101]


def test_an_order_is_flooded_behind_its_number_and_told_as_its_echoes_come():
    gateway = Gateway()
    assert gateway.ordered(order_of()) == 101
    assert gateway.street.flooded == [(7, b"\x00\x00\x00\x11off", (AT_MS + 5000) * 1000)]
    assert gateway.told(0) == [(17, FLOODED, b"")]
    gateway.flooding.echoed(1, 101, 1 << 3, 200)
    assert gateway.told(200) == []
    gateway.flooding.echoed(1, 101, 1 << 2 | 1 << 3, 200 + SOON_MS - 1)
    assert gateway.told(200 + SOON_MS) == [(17, FLOODED, bits_of([2, 3]))]
    later = 200 + SOON_MS + LATER_MS[0]
    assert gateway.told(later - 1) == []
    assert gateway.told(later) == [(17, FLOODED, bits_of([2, 3]))]       # It may have been lost.
    assert len(gateway.told(later + LATER_MS[1])) == 1
    assert gateway.told(later + 10 * LATER_MS[1]) == []


def test_it_is_said_again_as_long_as_an_expected_one_lacks_it_and_not_for_ever():
    gateway = Gateway()
    gateway.ordered(order_of())
    gateway.flooding.echoed(1, 101, 1 << 3 | 1 << 9, 100)
    now_ms = 0
    for wait_ms in AGAIN_MS:
        gateway.flooding.tick(now_ms + wait_ms - 1)
        before = len(gateway.street.again)
        gateway.flooding.tick(now_ms + wait_ms)
        assert len(gateway.street.again) == before + 1
        now_ms += wait_ms
    gateway.flooding.tick(now_ms + 10**9)
    assert gateway.street.again == [101] * len(AGAIN_MS)
    content = Gateway()
    content.ordered(order_of())
    content.flooding.echoed(1, 101, 1 << 3 | 1 << 2, 100)
    content.flooding.tick(AGAIN_MS[0])
    assert content.street.again == []


def test_what_cannot_be_flooded_is_refused_with_the_reason_and_may_be_tried_again():
    gateway = Gateway()
    for order, has_time, outcome in (
            (order_of(until_s=AT_S - 1), True, TOO_LATE),
            (order_of(execute_ms=AT_MS), True, TOO_LATE),
            (order_of(), False, NO_TIME), (order_of(network=8), True, NO_GATEWAY)):
        assert gateway.ordered(order, has_time=has_time) is None
        assert gateway.told(0) == [(17, outcome, b"")]
    gateway.street.is_gateway = False
    assert gateway.ordered(order_of()) is None and gateway.told(0) == [(17, NO_GATEWAY, b"")]
    gateway.street.is_gateway = True
    assert gateway.street.flooded == []
    assert gateway.ordered(order_of(execute_ms=0)) == 101        # At once.


def test_an_order_that_comes_again_is_told_again_and_flooded_once():
    gateway = Gateway()
    gateway.ordered(order_of())
    gateway.told(0)
    assert gateway.ordered(order_of(), 500) is None
    assert gateway.told(500) == [(17, FLOODED, b"")]
    assert len(gateway.street.flooded) == 1 and gateway.street.again == []


def test_who_has_another_gateways_order_is_told_of_too():
    gateway = Gateway()
    gateway.street.others[30, 555] = b"\x00\x00\x00\x2aoff"
    gateway.flooding.echoed(30, 555, 1 << 8, 0)
    gateway.flooding.echoed(31, 555, 1 << 8, 0)          # Of nobody knows what.
    assert gateway.told(SOON_MS) == [(42, FLOODED, bits_of([8]))]
    gateway.flooding.tick(10**9)
    assert gateway.street.again == []


def test_what_is_remembered_of_orders_has_a_limit():
    gateway = Gateway()
    for number in range(1, 3 * KEPT_MAX):
        gateway.ordered(order_of(number))
    assert len(gateway.told(0)) == KEPT_MAX


class Member:
    def __init__(self):
        self.done, self.log = [], Sentences()
        self.orders = GroupOrders(lambda *one: self.done.append(one), self.log)


def test_an_order_is_carried_out_at_its_moment_once_whoever_flooded_it():
    member = Member()
    member.orders.arrived(1, 101, b"\x00\x00\x00\x11off")
    member.orders.arrived(30, 7, b"\x00\x00\x00\x11off")         # A second gateway.
    member.orders.arrived(1, 102, b"\x00\x00\x00\x12on")
    assert member.done == []
    member.orders.due(30, 7, False)
    member.orders.due(1, 101, False)
    member.orders.due(1, 101, False)
    member.orders.due(1, 999, False)
    member.orders.due(1, 102, True)
    assert member.done == [(17, b"off", False), (18, b"on", True)]


def test_what_holds_no_order_is_refused_and_what_waits_has_a_limit():
    member = Member()
    for content in (b"", b"\x00\x00\x00\x11"):
        member.orders.arrived(1, 5, content)
    member.orders.due(1, 5, False)
    assert member.orders.refused == 2 and len(member.log.said) == 1
    for number in range(2 * DONE_MAX):
        member.orders.arrived(1, number, (ORDER_MAX - number).to_bytes(4, "big") + b"x")
    for number in range(2 * DONE_MAX):
        member.orders.due(1, number, False)
    assert len(member.done) == WAITING_MAX
