"""Another network on the channel: its bursts are waited for, for half of all time at most."""

from tests.edge.mesh.doubles import DigestSeal
from tests.edge.mesh.quiet_air import QuietAir
from wum_edge.mesh import frames
from wum_edge.mesh.frames import POLL
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.timing import GATEWAYS, RELAYS

SECOND_US = 1_000_000
BURST_US = 16 * 199_808


def stranger():
    """What seals polls of a network whose key we do not have."""
    guard = Guard(DigestSeal(b"other"), 8, 1, 77, 0)
    guard.reserve()
    return guard


def hear(air, address, guard, grant, priority=GATEWAYS):
    frame = guard.seal(POLL, priority, 78, frames.poll_aux(grant, 0), bytes(30))
    air.do(address, "on_rx", frame, -80, 60, 0)


def polls_of(air, address):
    return [frame for sender, frame in air.sent if sender == address and frame[0] >> 2 & 15 == POLL]


def test_a_gateway_polls_when_the_burst_of_another_network_is_over():
    air = QuietAir([1], [(1, 2)])
    air.run(10 * SECOND_US)
    hear(air, 1, stranger(), 16)
    air.submit(2, bytes(100))
    before = len(polls_of(air, 1))
    air.run(10 * SECOND_US + BURST_US)
    assert len(polls_of(air, 1)) == before and not air.delivered
    air.run(20 * SECOND_US)
    assert len(air.delivered) == 1


def test_a_gateway_waits_for_no_relay_of_another_network_and_others_do():
    air, guard = QuietAir([1], [(1, 2), (1, 3)]), stranger()
    air.run(10 * SECOND_US)
    for address in (1, 3):
        hear(air, address, guard, 16, RELAYS)
    air.submit(2, bytes(100))
    air.submit(3, bytes(100))
    air.run(10 * SECOND_US + BURST_US // 2)
    assert [origin for origin, _ in air.delivered] == [2]
    air.run(20 * SECOND_US)
    assert len(air.delivered) == 2


def test_a_poll_tells_whether_it_is_a_gateways():
    air = QuietAir([1], [(1, 2), (2, 3)])
    air.run(300 * SECOND_US)
    air.submit(2, bytes(100))
    air.submit(3, bytes(100))
    air.run(320 * SECOND_US)
    assert {frame[0] & 3 for frame in polls_of(air, 1)} == {GATEWAYS}
    assert {frame[0] & 3 for frame in polls_of(air, 2)} == {RELAYS}


def test_a_burst_that_is_over_early_is_not_waited_for_to_its_end():
    air, guard = QuietAir([1], [(1, 2)]), stranger()
    air.run(10 * SECOND_US)
    hear(air, 1, guard, 16)
    air.submit(2, bytes(100))
    air.run(11 * SECOND_US)
    hear(air, 1, guard, 0)
    air.run(11 * SECOND_US + BURST_US // 2)
    assert len(air.delivered) == 1


def test_who_forges_polls_all_the_time_has_half_of_the_channel_at_most():
    air, guard = QuietAir([1], [(1, 2)]), stranger()
    air.run(10 * SECOND_US)
    for at in range(11, 131):
        for address in (1, 2):
            hear(air, address, guard, 16)
        if at % 30 == 0:
            air.submit(2, bytes(100))
        air.run(at * SECOND_US)
    assert len(air.delivered) == 4


def test_an_ask_of_another_network_makes_chains_short_for_minutes():
    air = QuietAir([1], [(1, 2)])
    air.run(10 * SECOND_US)
    polls, guests = air.relays[1].polls, air.relays[1].hearing.guests
    for address in range(10, 30):
        air.relays[1].children.ask(air.now, address, 40, 40)
    assert polls._chain_max() == 12 and not guests.are_present()
    air.do(1, "on_rx", stranger().seal(frames.ASK, 1, 78, 0, bytes(9)), -80, 60, 0)
    assert polls._chain_max() == 6 and guests.are_present()
    air.run(320 * SECOND_US)
    air.do(1, "on_tick")
    assert not guests.are_present()
