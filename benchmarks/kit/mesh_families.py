"""Networks of other families beside ours, on the same sites, paths and seed.

Left out: what a family does (mesh_peers.py, mesh_routers.py).
"""

from kit import mesh_peers, mesh_routers
from wum_simulator.radio.field import milliwatts
from wum_simulator.radio.network import Maker, Network, Plan
from wum_simulator.radio.station import Core
from wum_simulator.world import Dice


def static_parents(network: Network) -> dict[int, int]:
    """A tree of fewest hops over links with 10 dB to spare both ways, even loads first."""
    good = milliwatts(-111.5)
    means = [dict(paths) for paths in network.field.means]
    gateway = network.plan.gateways[0]
    parents, ring, loads = {gateway: gateway}, [gateway], {gateway: 0}
    while ring:
        fresh = []
        for number in range(len(means)):
            if number in parents:
                continue
            near = [other for other in ring if means[number].get(other, 0.0) >= good
                    and means[other].get(number, 0.0) >= good]
            if near:
                best = min(near, key=lambda other: loads[other])
                loads[best] += 1
                fresh.append((number, best))
        parents.update(fresh)
        loads = {number: 0 for number, _ in fresh}
        ring = list(loads)
    return parents


def peer_maker(family: type[mesh_peers.Peer], parents: dict[int, int]) -> Maker:
    def make(plan: Plan, number: int, t_us: int, stored: tuple[int, int]) -> Core:
        peer = family(number + 1, number in plan.gateways, plan.ways[0], plan.duty_permyriad,
                      t_us, Dice(plan.seed).stream("peer", number))
        if isinstance(peer, mesh_peers.Tree) and not isinstance(
                peer, mesh_routers.DistanceVector):
            peer.parent = parents.get(number, number) + 1
        return peer
    return make


FAMILIES: dict[str, type[mesh_peers.Peer]] = {
    "flood": mesh_peers.Flood, "managed_flood": mesh_peers.ManagedFlood,
    "tree": mesh_peers.Tree, "tree_with_retries": mesh_peers.ReliableTree,
    "source_route": mesh_routers.SourceRoute, "distance_vector": mesh_routers.DistanceVector,
    "etx_tree": mesh_routers.EtxTree}


def maker_of(plan: Plan, family: str) -> Maker | None:
    """What runs on the stations; None for ours."""
    if family == "ours":
        return None
    return peer_maker(FAMILIES[family], static_parents(Network(plan)))
