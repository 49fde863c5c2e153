"""Receipts on their way up: each signed once, and so many at a time as a board can sign."""

from tests.edge.order_bench import SIGNATURES, World, first, order, sealed
from wum_shared.orders import DONE, RECEIVED
from wum_simulator.flash import SimulatedFlash


class CountingSigner:
    """Counts what it signs."""

    def __init__(self):
        self.signed = 0

    def sign(self, seed, message):
        self.signed += 1
        return SIGNATURES.sign(seed, message)


def test_a_receipt_is_signed_once_while_nobody_listens_and_so_many_leave_in_a_tick():
    world = first(World(SimulatedFlash()).start())
    world.desk.signer = counting = CountingSigner()
    world.desk.receipts_a_tick = 1
    world.connected = False
    world.tell(sealed(order(3)))
    for _ in range(5):
        world.passes(1)
    assert counting.signed == 1, "the first of two waits signed"
    world.connected, before = True, len(world.receipts)
    world.passes(1)
    assert [one.state for one in world.receipts[before:]] == [RECEIVED]
    world.passes(1)
    assert [one.state for one in world.receipts[before:]] == [RECEIVED, DONE]
    assert counting.signed == 2
