"""When a board takes part in updates of its mesh, and when it does not: memory, and who needs it.

The board's own module, beside relays that hear each other; a board's memory is what the test says.
"""

import gc

import pytest

from tests.edge.test_sharing import NEW, OLD, Street
from tests.edge.update_site import envelope
from wum_edge.ports.micropython.update_mesh import (
    AGAIN_MS,
    NEEDED_BYTES,
    NOTICES_MAX,
    QUIET_US,
    UpdateMesh,
)
from wum_shared import updates


class Mesh:
    """What a board's part asks of its station."""

    def __init__(self, street: Street, address: int) -> None:
        self._air, self._address = street.air, address
        self.through, self.pages = object(), None

    @property
    def relay(self):
        return self._air.relays[self._address]

    def now_us(self) -> int:
        return self._air.now


class Desk:
    """Nobody's orders."""

    trusted = None

    def handed(self, signed: bytes) -> None:
        raise AssertionError


class Act:
    rolls: object = None


class Boarded:
    """As much of Sharing as a street knows, of a board: what the relay says goes its own way."""

    def __init__(self, street: Street, address: int) -> None:
        self.mesh, self.act, site = Mesh(street, address), Act(), street.sites[address]
        self.part = UpdateMesh(self.mesh, site.updater, self.act, site.flash, site.clock, Desk(),
                               site.log)

    def came(self, *rest) -> None:
        self.mesh.pages(("page", *rest))

    def wanted(self, *rest) -> None:
        self.mesh.pages(("read page", *rest))

    def spoilt(self, *rest) -> None:
        self.mesh.pages(("spoilt", b"", 0, *rest))

    def tick(self) -> None:
        while self.part.tick():
            pass


@pytest.fixture
def memory(monkeypatch):
    """Bytes that are free, changeable."""
    free = [NEEDED_BYTES]
    monkeypatch.setattr(gc, "mem_free", lambda: free[0], raising=False)
    return free


def street_of(*releases) -> Street:
    """Three in a row; the one in the middle is a board that has these releases."""
    street = Street(3, {1: [(1, OLD)], 2: releases, 3: [(1, OLD)]})
    street.sharing[2] = Boarded(street, 2)
    return street


def test_a_board_loads_nothing_of_it_until_a_neighbour_gathers_and_gives_then(memory):
    street = street_of((1, OLD), (2, NEW))
    board = street.sharing[2]
    street.run(10)
    assert board.part._sharing is None and street.air.relays[2].spread.images == []
    street.assign(3, signed=envelope(2, NEW, index=None))
    assert street.run(90, lambda: street.states()[2] == updates.STAGED)
    assert street.air.relays[2].spread.images and board.act.rolls is not None
    # Nobody gathers any more: what it held is free, and comes back when it is needed.
    street.sites[3].updater.called_off(street.sites[3].head_end.number)
    street.run(QUIET_US // 60_000_000 - 2)
    assert board.part._sharing is not None
    street.run(4)
    assert board.part._sharing is None and board.act.rolls is None
    assert street.air.relays[2].spread.images == [] and not board.part.is_fed()
    street.assign(1, sequence=2)
    assert street.run(90, lambda: street.states()[0] == updates.STAGED)


def test_a_board_gathers_what_it_is_assigned_and_asks_nobody_else(memory):
    street = Street(3, {1: [(1, OLD), (2, NEW)], 2: [(1, OLD)], 3: [(1, OLD)]})
    board = street.sharing[2] = Boarded(street, 2)
    assert not board.part.is_fed()
    for address in (2, 3):
        street.assign(address)
    board.tick()
    assert board.part.is_fed()
    assert street.run(90, lambda: street.states()[1:] == [updates.STAGED] * 2)
    board.mesh.through = None            # A gateway asks the head-end.
    assert not board.part.is_fed()


def test_with_too_little_memory_it_says_so_takes_no_part_and_looks_again(memory):
    memory[0] = NEEDED_BYTES - 1
    street = street_of((1, OLD))
    board, site = street.sharing[2], street.sites[2]
    street.assign(2)
    assert board.part.flooded(b"\xd2 signed")
    street.run(3)
    assert not board.part.is_fed() and street.air.relays[2].spread.images == []
    assert board.part._notices == []     # Its head-end assigns to it alone.
    told = [text for text in site.log.said if "no part is taken" in text]
    assert len(told) == 1 and str(NEEDED_BYTES) in told[0] and str(memory[0]) in told[0]
    memory[0] = NEEDED_BYTES
    street.run(AGAIN_MS // 60_000 - 4)
    assert not board.part.is_fed(), "it does not look at each turn, which takes a while"
    street.run(5)
    assert board.part.is_fed() and street.air.relays[2].spread.images
    assert len([text for text in site.log.said if "no part is taken" in text]) == 1


def test_notices_wait_few_at_a_time_and_orders_to_groups_are_left_alone(memory):
    street = street_of((1, OLD))
    part = street.sharing[2].part
    assert not part.flooded(b"\xd0 sealed") and not part.flooded(b"")
    assert [part.flooded(b"\xd2%d" % at) for at in range(NOTICES_MAX + 3)] == [True] * (
        NOTICES_MAX + 3)
    assert len(part._notices) == NOTICES_MAX
