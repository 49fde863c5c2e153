"""Seeds of trouble on the way through the mesh: frames lost, power cut anywhere, no broker.

The same street as tests/edge/carry/test_through_the_mesh.py, in virtual time. At every moment the
cursor stays behind what the head-end has committed; when the trouble ends, everything arrives once.
"""

import os
import random

import pytest

from tests.edge.carry.test_through_the_mesh import Street
from tests.edge.records import SCHEMA_ID, STAMP, mixed

SEEDS = int(os.environ.get("WUM_MESH_SEEDS", "4"))
_MINUTES = 60
_HEAL_MINUTES = 180


def cut(street, address):
    """The power fails at one station, and is back at once."""
    street.air.boot(address)
    if address == 1:
        street.start_gateway()
        street.answers = []
    if address == 3:
        street.start_agent()


def follows(street):
    """Whether the cursor is behind what was committed."""
    return all(number in street.head_end.committed
               for number in range(1, street.archive.cursor + 1))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_and_the_cursor_never_leads(seed):
    dice = random.Random(seed)
    street = Street()
    street.air.loses = lambda frame: dice.random() < 0.1
    records, cuts = 0, 0
    for _ in range(_MINUTES):
        street.run(1)
        if dice.random() < 0.3:
            street.archive.append(mixed(records, 3), SCHEMA_ID, STAMP)
            records += 3
        if dice.random() < 0.15:
            cut(street, dice.randint(1, 3))
            cuts += 1
        if dice.random() < 0.1:
            street.is_connected = not street.is_connected
        assert follows(street)
    assert records and cuts
    street.is_connected = True
    street.air.loses = lambda frame: False
    for _ in range(_HEAL_MINUTES):
        if street.is_whole(records):
            break
        street.run(1)
        assert follows(street)
    assert street.is_whole(records)
