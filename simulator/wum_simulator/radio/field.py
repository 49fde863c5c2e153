"""How much of what one station sends arrives at another: path, walls, shadows, drift, fading.

Left out: what a receiver makes of it (reception.py). Log-distance path loss; shadowing of 8 dB,
half of its variance shared by two blocks; each direction its own (2.5 dB); a slow drift, and
fading drawn anew for every frame and receiver (Rice, K = 3, as indoors).
"""

import math
from dataclasses import dataclass

from wum_simulator.radio.places import Site
from wum_simulator.world import Dice, Stream

FIRST_METRE_DB = 31.2        # Free space at 868 MHz.
ERP_TO_EIRP_DB = 2.15        # Limits are told against a dipole.
DRIFT_STEP_US = 300_000_000
_DRIFT_KEEPS = 0.97          # Of a step's drift the next one keeps so much: hours, not minutes.
_FADES = 4096


@dataclass(frozen=True, slots=True)
class Terrain:
    """What stands between the sites; `power_dbm` is ERP. Figures of exponent and walls are those
    of mild and harsh districts (brick and gardens; concrete, basements and metal cabinets).
    """

    power_dbm: float
    exponent: float = 3.3
    wall_db: float = 20.0
    shadow_db: float = 8.0
    asymmetry_db: float = 2.5
    drift_db: float = 1.5
    rice_k: float = 3.0          # 0 is Rayleigh; None of it is had with a large number.


@dataclass(slots=True)
class Path:
    """One direction between two stations."""

    receiver: int
    fixed_dbm: float
    drift_db: float


def fades(rice_k: float, dice: Stream) -> list[float]:
    """Power factors of Rician fading, with mean 1."""
    sight, spread = math.sqrt(rice_k / (rice_k + 1)), math.sqrt(0.5 / (rice_k + 1))
    drawn = [(sight + dice.gauss(0, spread)) ** 2 + dice.gauss(0, spread) ** 2
             for _ in range(_FADES)]
    mean = sum(drawn) / _FADES
    return [power / mean for power in drawn]


class Field:
    """Every path that carries more than `floor_dbm`, by sender."""

    def __init__(self, sites: list[Site], terrain: Terrain, floor_dbm: float, dice: Dice) -> None:
        self._terrain = terrain
        self._dice = dice.stream("drift")
        self.fades = fades(terrain.rice_k, dice.stream("fades"))
        self.paths: list[list[Path]] = [[] for _ in sites]
        self.means: list[list[tuple[int, float]]] = []   # By sender: receiver and milliwatts.
        for sender in range(len(sites)):
            for receiver in range(sender):
                self._join(sites, sender, receiver, floor_dbm, dice)
        self._settle()

    def _join(self, sites: list[Site], one: int, other: int, floor_dbm: float,
              dice: Dice) -> None:
        terrain = self._terrain
        loss_db = path_loss_db(sites[one], sites[other], terrain)
        blocks = sorted((sites[one].block, sites[other].block))
        half_db = terrain.shadow_db * math.sqrt(0.5)
        loss_db += dice.stream("blocks", *blocks).gauss(0, half_db)
        drawn = dice.stream("pair", one, other)
        loss_db += drawn.gauss(0, half_db)
        skew_db = drawn.gauss(0, terrain.asymmetry_db)
        for sender, receiver, sign in ((one, other, 1), (other, one, -1)):
            power_dbm = terrain.power_dbm + ERP_TO_EIRP_DB - loss_db + sign * skew_db / 2
            drift_db = drawn.gauss(0, terrain.drift_db)
            if power_dbm > floor_dbm:
                self.paths[sender].append(Path(receiver, power_dbm, drift_db))

    def step(self) -> None:
        """Let DRIFT_STEP_US go by."""
        throw = self._terrain.drift_db * math.sqrt(1 - _DRIFT_KEEPS ** 2)
        gauss = self._dice.gauss
        for paths in self.paths:
            for path in paths:
                path.drift_db = _DRIFT_KEEPS * path.drift_db + throw * gauss(0, 1)
        self._settle()

    def _settle(self) -> None:
        self.means = [[(path.receiver, milliwatts(path.fixed_dbm + path.drift_db))
                       for path in paths] for paths in self.paths]


def path_loss_db(one: Site, other: Site, terrain: Terrain) -> float:
    """Median loss between two sites, without shadowing."""
    distance_m = max(math.dist((one.x_m, one.y_m, one.z_m), (other.x_m, other.y_m, other.z_m)), 1)
    walls_db = terrain.wall_db if one.block != other.block else terrain.wall_db / 2
    return (FIRST_METRE_DB + 10 * terrain.exponent * math.log10(distance_m) + walls_db
            + one.cabinet_db + other.cabinet_db)


def milliwatts(dbm: float) -> float:
    return float(10 ** (dbm / 10))


def dbm(power_mw: float) -> float:
    return 10 * math.log10(power_mw)
