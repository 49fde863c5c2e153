"""Orders on simulated meters: what they do, what they cannot, and what nobody knows."""

import pytest

from tests.simulator.dlms_bench import Played, StandingClock, model_of, reader_of, wire_of
from wum_edge.config import Meter
from wum_edge.meters.reader import Reader
from wum_edge.meters.sweep import Sweep
from wum_edge.meters.visit import KnownMeter
from wum_edge.meters.work import LineWork
from wum_edge.orders.act import Refused
from wum_edge.orders.meter_acts import MeterAct
from wum_shared import orders
from wum_shared.order_kinds import encode_arguments
from wum_shared.orders import DONE, FAILED, UNKNOWN, Order


class Bench:
    """A line with one meter, and a desk's acts on it."""

    def __init__(self, reader=None):
        self.played = Played()
        known = KnownMeter(0, 0, Meter("serial", "dp", "line", 17, "model", 1000, None),
                           model_of(self.played))
        known.reader = reader or reader_of(self.played)
        self.line = wire_of(self.played)
        self.work = LineWork(Sweep("line", [known]))
        self.results = []

    def order(self, kind, *values):
        """Carry it out; what the receipt would say."""
        act = MeterAct(kind, {"serial": 0}, self.work.orders.put, lambda take: take())
        order = Order(bytes(8), bytes(8), 1, 0, 0, 1, kind, encode_arguments(
            kind, ["serial", *values]), None)
        act.check(order)
        act.begin(order, self.results.append)
        self.work.idle(self.line, StandingClock())
        return self.results.pop()


def test_a_consumer_is_disconnected_connected_and_limited_and_the_boiler_is_cut():
    bench = Bench()
    assert bench.order(orders.DISCONNECT).state == DONE and not bench.played.switch.connected
    assert bench.order(orders.RECONNECT).state == DONE and bench.played.switch.connected
    assert bench.order(orders.SECONDARY, False).state == DONE
    assert not bench.played.secondary.connected and bench.played.switch.connected
    assert bench.order(orders.LIMIT, 250, 0).state == DONE
    assert bench.played.limiter.attributes[4].number() == 2500    # Its register counts in tenths.
    bench.played.now_s -= 500
    assert bench.order(orders.SET_CLOCK).state == DONE
    assert abs(bench.played.now_s - StandingClock().now_s()) < 5


def test_a_meter_that_says_yes_and_does_nothing_is_told_as_failed():
    bench = Bench()
    bench.played.switch.stuck = True
    said = bench.order(orders.DISCONNECT)
    assert said.state == FAILED and "the switch is as it was" in said.note


def test_where_the_answer_is_lost_the_switch_is_looked_at():
    bench = Bench()
    acted = []
    bench.played.switch.act = lambda number, data: acted.append(number) or setattr(
        bench.played.switch, "connected", number == 2)
    bench.line.spoil = lambda turn, heard: b"" if acted and len(acted) < 3 and not acted.append(
        0) else heard
    assert bench.order(orders.DISCONNECT).state == DONE and not bench.played.switch.connected


def test_where_nobody_answers_any_more_nobody_knows():
    bench = Bench()
    act = bench.played.switch.act

    def act_and_fall_silent(number, data):
        bench.line.spoil = lambda turn, heard: b""
        return act(number, data)
    bench.played.switch.act = act_and_fall_silent
    assert bench.order(orders.DISCONNECT).state == UNKNOWN
    assert not bench.played.switch.connected         # It had happened.


def test_what_a_meter_cannot_do_is_refused_by_name():
    bench = Bench(Reader())
    for kind, values, words in (
            (orders.DISCONNECT, (), "no switch"), (orders.LIMIT, (1, 0), "no limiter"),
            (orders.SECONDARY, (True,), "secondary load"), (orders.SET_CLOCK, (), "no clock")):
        said = bench.order(kind, *values)
        assert said.state == FAILED and words in said.note
    act = MeterAct(orders.READ, {}, bench.work.orders.put, lambda take: take())
    with pytest.raises(Refused, match="no meter serial"):
        act.check(Order(bytes(8), bytes(8), 1, 0, 0, 1, orders.READ,
                        encode_arguments(orders.READ, ["serial"]), None))
