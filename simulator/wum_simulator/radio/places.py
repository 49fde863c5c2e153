"""Where concentrators stand: a street, a courtyard, a district. Left out: how they hear each other.

Metres; a floor is 3 m. The dimensions are those of blocks of flats built in series.
"""

from dataclasses import dataclass

from wum_simulator.world import Dice

FLOOR_M = 3


@dataclass(frozen=True, slots=True)
class Site:
    """One concentrator: place in metres, the block it is in, and what its cabinet costs in dB."""

    x_m: float
    y_m: float
    z_m: float
    block: int
    cabinet_db: float = 0.0


def street(sites: int, pitch_m: float = 100.0) -> list[Site]:
    """A row of houses, each with one concentrator; the first is the gateway's."""
    return [Site(at * pitch_m, 0.0, FLOOR_M, at) for at in range(sites)]


def courtyard(seed: int) -> list[Site]:
    """12 blocks of eight storeys round yards, four stairwells each: 48, some in basements."""
    dice = Dice(seed).stream("courtyard")
    found = []
    for block in range(12):
        for stair in range(4):
            floor = dice.choice((-1, 0, 0, 1, 3, 7))
            found.append(Site(block % 4 * 90.0 + stair * 18.0, block // 4 * 70.0,
                              floor * FLOOR_M, block, 8.0 if floor < 0 else 0.0))
    return found


def district(sites: int, seed: int) -> list[Site]:
    """Blocks of four stairwells, 15 in a row, 70 m by 100 m apart."""
    dice = Dice(seed).stream("district")
    found = []
    for at in range(sites):
        block, stair = divmod(at, 4)
        found.append(Site(
            block % 15 * 70.0 + stair * 15.0 + dice.uniform(-3, 3),
            block // 15 * 100.0 + dice.uniform(-6, 6),
            FLOOR_M * dice.choice((0, 0, 1, 2)), block))
    return found


def central(sites: list[Site]) -> int:
    """Number of the site nearest to the middle of all."""
    x_m = sum(site.x_m for site in sites) / len(sites)
    y_m = sum(site.y_m for site in sites) / len(sites)
    return min(range(len(sites)),
               key=lambda at: (sites[at].x_m - x_m) ** 2 + (sites[at].y_m - y_m) ** 2)


def corner(sites: list[Site]) -> int:
    """Number of the site nearest to where x and y are least."""
    return min(range(len(sites)), key=lambda at: sites[at].x_m + sites[at].y_m)
