"""The code of a page: any symbols that are enough make it, and each is what is specified."""

from tests.edge.mesh.test_spread import Dice, image_of
from wum_edge.mesh import erasure
from wum_edge.mesh.erasure import FIRST_MORE, SYMBOL_SIZE, SYMBOLS
from wum_edge.mesh.page import PAGE_SIZE, symbols_of


def test_any_symbols_that_are_enough_make_the_page():
    dice = Dice(3)
    for k in (5, 20, 40):
        symbols = [int.from_bytes(image_of(SYMBOL_SIZE * (at + 1))[-SYMBOL_SIZE:], "big")
                   for at in range(k)]
        for lost in (0, 1, 4, k):
            found = {at: symbols[at] for at in range(k)}
            while len(found) > k - lost:
                found.pop(dice() % k, None)
            while len(found) < k:
                number = FIRST_MORE + dice() % (SYMBOLS - FIRST_MORE)
                found[number] = erasure.more(symbols, number)
            assert erasure.rebuild(k, found) == symbols


def product(one, other):
    """In GF(256), modulo x^8 + x^4 + x^3 + x + 1, as docs/mesh-protocol.md tells it."""
    found = 0
    while other:
        found ^= one * (other & 1)
        one = one << 1 ^ (0x11B if one & 0x80 else 0)
        other >>= 1
    return found


def test_a_symbol_that_is_more_is_what_the_specification_says():
    symbols = symbols_of(image_of(PAGE_SIZE))
    assert len(symbols) == 40
    for number in (FIRST_MORE, 170, SYMBOLS - 1):
        wanted = bytearray(SYMBOL_SIZE)
        for at in range(40):
            factor = [value for value in range(256) if product(value, number ^ at) == 1][0]
            for place, value in enumerate(symbols[at].to_bytes(SYMBOL_SIZE, "big")):
                wanted[place] ^= product(factor, value)
        assert erasure.more(symbols, number).to_bytes(SYMBOL_SIZE, "big") == bytes(wanted)
