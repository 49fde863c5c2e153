"""The fields of docs/mesh-protocol.md on which meshes are measured: places, walls, bands, gateways.

Left out: what is measured on them (mesh_hourly.py, mesh_goodput.py, mesh_orders.py,
mesh_trouble.py). Every one is a function of its seed alone.
"""

from wum_edge.mesh.airtime import WIRE
from wum_simulator.radio import places
from wum_simulator.radio.field import Terrain
from wum_simulator.radio.network import SF5, SF7, Plan

MILD = Terrain(27.0, 3.3, 20.0)
HARSH = Terrain(27.0, 3.8, 30.0)
YARD = Terrain(14.0, 3.8, 20.0)
# 10 mW at 433 MHz: 17 dB less, of which the first metre gives back 6.
LOW_BAND = Terrain(16.0, 3.8, 30.0)
# Neighbours of a street hear each other with 11 dB to spare, the next but one not at all.
STREET = Terrain(27.0, 4.5, 18.0, shadow_db=1.0, asymmetry_db=1.0)


def courtyard(seed: int) -> Plan:
    """S1: 48 in the basements and stairwells of twelve blocks."""
    sites = places.courtyard(seed)
    return Plan(sites, YARD, (places.central(sites),), seed)


def street(seed: int, sites: int = 31) -> Plan:
    """S2: 30 hops."""
    return Plan(places.street(sites), STREET, (0,), seed)


def district(seed: int, sites: int, terrain: Terrain = HARSH) -> Plan:
    """S3, S4: blocks of four stairwells, one gateway in the middle."""
    found = places.district(sites, 1)
    return Plan(found, terrain, (places.central(found),), seed)


def cornered(seed: int, sites: int) -> Plan:
    """S4 with its gateway at the edge."""
    found = places.district(sites, 1)
    return Plan(found, HARSH, (places.corner(found),), seed)


def two_gateways(seed: int, sites: int) -> Plan:
    """S7: the central one and one in a corner."""
    found = places.district(sites, 1)
    return Plan(found, HARSH, (places.central(found), places.corner(found)), seed)


def sparse(seed: int, sites: int) -> Plan:
    """S5: 25 mW and 1 % at 868.3 MHz: what may be sent is what binds."""
    found = places.district(sites, 1)
    return Plan(found, Terrain(14.0, 3.8, 30.0), (places.central(found),), seed, ways=(SF7, SF5),
                duty_permyriad=100)


def islands(seed: int, sites: int) -> Plan:
    """S12: the stations of a block hear each other by Wi-Fi, blocks by radio."""
    found = places.district(sites, 1)
    return Plan(found, HARSH, (places.central(found),), seed, ways=(SF7, WIRE))
