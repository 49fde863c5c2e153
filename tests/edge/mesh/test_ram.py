"""What a relay's tables take on a board: 64 neighbours, 300 routes, a full store; and an image.

MicroPython's own count; CPython has none that compares, and checks the premise alone.
"""

import gc

from tests.edge.mesh.doubles import DigestSeal
from wum_edge.mesh.airtime import modulation
from wum_edge.mesh.children import ROUTES_MAX
from wum_edge.mesh.custody import ITEMS_MAX, SEEN_MAX
from wum_edge.mesh.frames import FRAGMENT_MAX, Item
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.neighbours import NEIGHBOURS_MAX
from wum_edge.mesh.page import PAGE_SIZE, symbols_of
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting

STATED_KB = 72               # docs/mesh-protocol.md, 12; of it 22 are pieces.
IMAGE_KB = 54                # ... 15: of one image.


def used():
    """Bytes that are allocated; 0 where nobody counts them."""
    if not hasattr(gc, "mem_alloc"):
        return 0
    gc.collect()
    return gc.mem_alloc()


HELD = []


def test_nothing_is_there_yet():
    HELD.append(used())


def test_every_table_can_be_filled():
    relay = Relay(Setting(1, False, [modulation(7, 250_000)], 1000),
                  Guard(DigestSeal(b"k"), 7, 1, 1), 0, 1, 0)
    for at in range(NEIGHBOURS_MAX):
        other = relay.neighbours.hear(at, 2 + at, 40)
        other.tell(at, 2, 1, at)
        relay.guard._keys[0].windows[2 + at] = (70_000 + at, 0xFFFFFFFF)
        relay.hearing._ends[2 + at] = (at, 1_000_000_000 + at, True)
        relay.children.ask(at, 2 + at, 5, 40)
    for at in range(ROUTES_MAX):
        relay.children.learn(2 + at, 2 + at % NEIGHBOURS_MAX)
    for at in range(ITEMS_MAX):
        assert relay.custody.take(Item(9, at, 0, True, bytes(FRAGMENT_MAX), 0), 2)
    for at in range(SEEN_MAX):
        relay.custody.see(Item(9, at, 1, False, b"", 0).key)
    relay.settle()
    assert relay.custody.size == ITEMS_MAX and len(relay.neighbours.all()) == NEIGHBOURS_MAX
    assert len(relay.children._routes) == ROUTES_MAX and len(relay.children._children) == 64
    HELD.append(relay)


def test_what_it_holds_stays_under_what_is_stated():
    # In a test of its own: MicroPython for the browser collects garbage between two calls only.
    taken = used() - HELD[0]
    assert len(HELD) == 2 and taken <= STATED_KB * 1024, taken


def test_pages_of_an_image_can_be_full():
    relay = HELD[1]
    HELD[0] = used()
    relay.take_up(relay.now, b"name", 32 * PAGE_SIZE, bytes(16 * 8 * 32), 0)
    image = relay.spread.images[0]
    for page in (0, 1, 2, 3, 4):
        for number in range(39):
            image.symbol(9, page, number, (page << 8 | number) << 1620, 0)
    assert [page.lacks for page in [image.gathered] + image.ahead] == [1] * 4
    image.at_hand = (31, symbols_of(bytes([200]) * PAGE_SIZE))


def test_an_image_stays_under_what_is_stated():
    taken = used() - HELD[0]
    assert taken <= IMAGE_KB * 1024, taken
