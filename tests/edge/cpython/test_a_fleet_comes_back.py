"""Ten thousand gateways lose their broker in one second: how many knock at it in any second."""

import heapq
import random
from collections import Counter

import pytest

from wum_edge.uplink.broker import Dice
from wum_edge.uplink.reconnect import Reconnect

FLEET = 10_000
PER_SECOND_MAX = 900            # Tries in any second; a TLS handshake is some 1 ms of one core.
ALL_BACK_S = 150                # Since the broker is back.


class SeededDice(Dice):
    """Chance that repeats itself."""

    def __init__(self, seed):
        self._chance = random.Random(seed)

    def below(self, limit):
        """A number of 0..limit-1."""
        return self._chance.randrange(limit)


def fleet_returns(back_s, accepted_per_s, waits=Reconnect, up_ms=None):
    """(tries by second, second in which the last one is connected).

    `up_ms`: power was away, and the machines are up for so long; None: the broker was.
    """
    gateways = [waits(SeededDice(number)) for number in range(FLEET)]
    coming = [(gateway.wait_ms() if up_ms is None else gateway.first_ms(up_ms), number)
              for number, gateway in enumerate(gateways)]
    heapq.heapify(coming)
    tries, accepted = Counter(), Counter()
    at_ms = 0
    while coming:
        at_ms, number = heapq.heappop(coming)
        second = at_ms // 1000
        tries[second] += 1
        if second >= back_s and accepted[second] < accepted_per_s:
            accepted[second] += 1
        else:
            heapq.heappush(coming, (at_ms + gateways[number].wait_ms(), number))
    return tries, at_ms // 1000


@pytest.mark.parametrize("accepted_per_s", [FLEET, 200])
@pytest.mark.parametrize("back_s", [0, 7, 60])
def test_no_second_sees_more_than_the_broker_stands(back_s, accepted_per_s):
    tries, last_s = fleet_returns(back_s, accepted_per_s)
    assert max(tries.values()) <= PER_SECOND_MAX
    assert last_s - back_s <= ALL_BACK_S


def test_waits_that_hardly_spread_are_noticed():
    class AllAtOnce(Reconnect):
        def wait_ms(self):
            return 500 + self._dice.below(501)
    assert max(fleet_returns(0, FLEET, AllAtOnce)[0].values()) > 5 * PER_SECOND_MAX


@pytest.mark.parametrize("accepted_per_s", [FLEET, 200])
def test_a_town_that_gets_its_power_back_does_not_knock_at_once(accepted_per_s):
    tries, last_s = fleet_returns(0, accepted_per_s, up_ms=40_000)
    assert max(tries.values()) <= PER_SECOND_MAX
    assert last_s <= ALL_BACK_S


def test_one_gateway_that_is_started_anew_does_not_wait_long():
    waits = [Reconnect(SeededDice(n)).first_ms(10**9) for n in range(1000)]
    assert max(waits) < 2000 and len(set(waits)) > 500
