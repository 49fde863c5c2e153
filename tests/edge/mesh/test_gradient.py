"""The gradient: what is feasible never leads back; a fresher heartbeat frees it again."""

from wum_edge.mesh.frames import UNREACHABLE
from wum_edge.mesh.gradient import Gradient, is_newer
from wum_edge.mesh.neighbours import NEIGHBOURS_MAX, ONE, Neighbours

BURST_US = 200_000
GOOD_Q4 = 60


def told(neighbours, address, rank, heartbeat=1, gateway=1, t_us=1):
    neighbours.hear(t_us, address, GOOD_Q4).tell(t_us, gateway, heartbeat, rank)


def test_the_cheapest_way_is_the_parent_and_the_others_stay_in_reserve():
    neighbours, gradient = Neighbours(), Gradient(BURST_US)
    told(neighbours, 2, 300)
    told(neighbours, 3, 100)
    gradient.settle(2, neighbours)
    assert gradient.parent == 3 and gradient.rank > 100
    assert [other.address for other in gradient.parents(2, neighbours)] == [3, 2]


def test_who_may_come_through_us_is_no_parent():
    neighbours, gradient = Neighbours(), Gradient(BURST_US)
    told(neighbours, 2, 100)
    gradient.settle(2, neighbours)
    gradient.told()
    told(neighbours, 4, gradient.rank)           # Our own child's rank is above ours, at least.
    told(neighbours, 2, UNREACHABLE)
    assert gradient.settle(3, neighbours)        # Others must know.
    assert gradient.rank == UNREACHABLE
    told(neighbours, 4, 900, heartbeat=2)        # Fresher than what we told: no loop.
    gradient.settle(4, neighbours)
    assert gradient.parent == 4


def test_who_falls_back_on_an_older_heartbeat_is_not_led_round_by_who_rests_on_him():
    neighbours, gradient = Neighbours(), Gradient(BURST_US)
    told(neighbours, 2, 300, heartbeat=2)
    gradient.settle(2, neighbours)
    gradient.told()                              # More than 300 under the newer one, ...
    told(neighbours, 2, UNREACHABLE, heartbeat=2)
    told(neighbours, 3, 100, heartbeat=1)
    gradient.settle(3, neighbours)
    gradient.told()                              # ... and about 150 under the older.
    assert gradient.parent == 3
    told(neighbours, 4, gradient.rank + 1, heartbeat=1)      # By us, as is 3 from now on.
    told(neighbours, 3, gradient.rank + 2, heartbeat=1)
    gradient.settle(4, neighbours)
    assert gradient.parent is None
    told(neighbours, 2, 300, heartbeat=2)        # What was told under the newer one holds yet.
    gradient.settle(5, neighbours)
    assert gradient.parent == 2


def test_of_heartbeats_that_are_forgotten_the_least_of_all_ranks_counts():
    neighbours, gradient = Neighbours(), Gradient(BURST_US)
    for heartbeat in range(10, 20):
        told(neighbours, 2, 300, heartbeat=heartbeat)
        gradient.settle(2, neighbours)
        gradient.told()
    told(neighbours, 2, UNREACHABLE, heartbeat=19)
    for rank, parent in ((gradient.rank, None), (200, 3)):
        told(neighbours, 3, rank, heartbeat=5)
        gradient.settle(3, neighbours)
        assert gradient.parent == parent


def test_another_gateway_is_a_way_of_its_own():
    neighbours, gradient = Neighbours(), Gradient(BURST_US)
    told(neighbours, 2, 100)
    gradient.settle(2, neighbours)
    gradient.told()
    told(neighbours, 2, UNREACHABLE)
    told(neighbours, 5, 4_000, gateway=9)
    gradient.settle(3, neighbours)
    assert gradient.parent == 5 and gradient.gateway == 9


def test_a_parent_that_is_a_little_better_is_not_worth_a_change():
    neighbours, gradient = Neighbours(), Gradient(BURST_US)
    told(neighbours, 2, 500)
    gradient.settle(2, neighbours)
    told(neighbours, 3, 480)
    gradient.settle(3, neighbours)
    assert gradient.parent == 2
    told(neighbours, 3, 300)
    gradient.settle(4, neighbours)
    assert gradient.parent == 3


def test_far_out_a_parent_that_hears_little_is_left_for_one_a_hop_farther():
    neighbours, gradient = Neighbours(), Gradient(BURST_US)
    told(neighbours, 2, 1_060)
    gradient.settle(2, neighbours)
    told(neighbours, 3, 1_100)
    assert not gradient.concerns(neighbours.get(3), neighbours)
    gradient.settle(3, neighbours)
    assert gradient.parent == 2                  # It is nearer, and hears us as well.
    for _ in range(5):
        neighbours.get(2).acknowledge(0, 4)      # One frame in four: airtime of four hops for one.
    assert gradient.concerns(neighbours.get(3), neighbours)
    gradient.settle(4, neighbours)
    assert gradient.parent == 3                  # For far less than an eighth of the way.


def test_a_link_is_judged_by_what_was_acknowledged():
    neighbours = Neighbours()
    other = neighbours.hear(1, 2, GOOD_Q4)
    fresh = other.cost(BURST_US)
    other.acknowledge(0, 16)                     # One burst that is lost is no verdict yet.
    assert 3 * fresh > other.cost(BURST_US) > 3 * fresh // 2
    for _ in range(2):
        other.acknowledge(0, 16)
    assert other.cost(BURST_US) > 3 * fresh
    other.hear(2, GOOD_Q4)                       # That we hear it well says nothing any more.
    assert other.cost(BURST_US) > 3 * fresh
    for _ in range(6):
        other.acknowledge(16, 16)
    assert other.quality > ONE * 9 // 10


def test_the_table_keeps_the_stronger_ones():
    neighbours = Neighbours()
    for address in range(NEIGHBOURS_MAX):
        neighbours.hear(1, address, 10 + address)
    assert neighbours.hear(1, 1000, 5) is None
    assert neighbours.hear(1, 1001, 50) is not None
    assert neighbours.get(0) is None and len(neighbours.all()) == NEIGHBOURS_MAX


def test_heartbeats_count_round():
    assert is_newer(0, 255) and is_newer(5, 1)
    assert not is_newer(1, 1) and not is_newer(255, 0)
