"""Waits before a new connection: within their window, and short again after a success."""

from tests.edge.headend import EvenDice
from wum_edge.uplink.broker import Dice
from wum_edge.uplink.reconnect import LEAST_MS, WINDOW_MAX_MS, WINDOW_MS, Reconnect


class Latest(Dice):
    """Always the longest wait."""

    def below(self, limit):
        """The last of 0..limit-1."""
        return limit - 1


def test_the_window_doubles_up_to_a_minute_and_a_connection_makes_it_short_again():
    waits = Reconnect(Latest())
    assert [waits.wait_ms() for _ in range(4)] == [
        WINDOW_MS - 1, 2 * WINDOW_MS - 1, WINDOW_MAX_MS - 1, WINDOW_MAX_MS - 1]
    waits.connected()
    assert waits.wait_ms() == WINDOW_MS - 1


def test_the_whole_window_is_used():
    class Soonest(EvenDice):
        def below(self, limit):
            return 0
    assert Reconnect(Soonest()).wait_ms() == LEAST_MS
    assert Reconnect(EvenDice()).wait_ms() == LEAST_MS + (WINDOW_MS - LEAST_MS) // 2
