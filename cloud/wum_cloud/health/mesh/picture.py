"""A mesh as a drawing: stations in rows by hops from a gateway, and the links between them.

Pure arithmetic over what store.py gives. Left out: how it is drawn (web/console/mesh.py).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from wum_cloud.health.mesh.store import Link, Station

HOPS_MAX = 64                # A way that is longer goes in a circle: reports are not of one moment.
SILENT_AFTER = 3             # Reports that are missing until a station counts as silent.
_GRACE = timedelta(seconds=30)
ROW, COLUMN, MARGIN = 96, 168, 64    # In units of the drawing.


@dataclass(frozen=True, slots=True)
class Node:
    """A station in the drawing. `hops`: to its gateway; None where its way ends nowhere."""

    station: Station
    x: int
    y: int
    hops: int | None
    is_silent: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """Two stations that hear each other. Qualities in percent: `there` from one to other, `back`;
    None where only the other side told of it. `is_way`: one is the other's parent.
    """

    one: Node
    other: Node
    is_wire: bool
    there: int | None
    back: int | None
    margin_q4: int
    heard_at: datetime
    is_way: bool

    @property
    def worst(self) -> int:
        """The quality that counts: what is sent has to be acknowledged."""
        return min(quality for quality in (self.there, self.back) if quality is not None)


@dataclass(frozen=True, slots=True)
class Picture:
    """One network."""

    network: int
    name: str
    nodes: list[Node]
    edges: list[Edge]
    width: int
    height: int


def pictures(stations: list[Station], links: list[Link], now: datetime) -> list[Picture]:
    """A drawing of each network, by its number."""
    by_network: defaultdict[int, list[Station]] = defaultdict(list)
    for station in stations:
        by_network[station.network].append(station)
    return [_picture(network, by_network[network], links, now) for network in sorted(by_network)]


def _picture(
        network: int, stations: list[Station], links: list[Link], now: datetime) -> Picture:
    rows: defaultdict[int, list[Station]] = defaultdict(list)
    hops = hops_of(stations)
    deepest = max([found for found in hops.values() if found is not None], default=0)
    for station in stations:
        found = hops[station.address]
        rows[deepest + 1 if found is None else found].append(station)
    places = sorted(rows)
    widest = max(len(row) for row in rows.values())
    nodes = {}
    for place, depth in enumerate(places):
        row = rows[depth]
        for at, station in enumerate(row):
            # Every other row stands to the right, and every other station of a row lower: so a
            # link between rows that are no neighbours seldom runs through a station.
            x = MARGIN + COLUMN * (2 * at + widest - len(row)) // 2 + (place % 2) * COLUMN // 3
            y = MARGIN + ROW * place + (at % 2) * ROW // 4
            nodes[station.address] = Node(
                station, x, y, hops[station.address], is_silent(station, now))
    names = sorted({station.mesh for station in stations if station.mesh})
    return Picture(network, names[0] if names else "", list(nodes.values()),
                   _edges(stations, nodes, links),
                   2 * MARGIN + COLUMN * (widest - 1) + COLUMN // 3,
                   2 * MARGIN + ROW * (len(places) - 1) + ROW // 4)


def hops_of(stations: list[Station]) -> dict[int, int | None]:
    """How many hops each is from its gateway, by what each says of its parent."""
    by_address = {station.address: station for station in stations}
    found: dict[int, int | None] = {}
    for station in stations:
        at: Station | None = station
        count = 0
        while at is not None and not at.is_gateway and count <= HOPS_MAX:
            at = by_address.get(at.parent)
            count += 1
        found[station.address] = count if at is not None and at.is_gateway else None
    return found


def is_silent(station: Station, now: datetime) -> bool:
    """Whether several reports in a row have not come."""
    return now - station.arrived_at > timedelta(
        seconds=SILENT_AFTER * station.every_s) + _GRACE


def _edges(
        stations: Iterable[Station], nodes: dict[int, Node], links: list[Link]) -> list[Edge]:
    address_of = {station.concentrator_id: station.address for station in stations}
    told: defaultdict[tuple[int, int], dict[int, Link]] = defaultdict(dict)
    for link in links:
        mine = address_of.get(link.concentrator_id)
        if mine is not None and link.address in nodes:
            told[min(mine, link.address), max(mine, link.address)][mine] = link
    edges = []
    for (one, other), sides in sorted(told.items()):
        newest = max(sides.values(), key=lambda link: link.heard_at)
        there, back = sides.get(one), sides.get(other)
        edges.append(Edge(
            nodes[one], nodes[other], newest.medium == 1,
            None if there is None else there.quality, None if back is None else back.quality,
            newest.margin_q4, newest.heard_at,
            nodes[one].station.parent == other or nodes[other].station.parent == one))
    return edges
