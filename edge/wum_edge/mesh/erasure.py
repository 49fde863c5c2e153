"""A code that makes good what is lost: of a page's `k` symbols any `k` that come will do.

Systematic, over GF(256) with a Cauchy matrix (Blömer et al., ICSI TR-95-048): symbols 0..k-1 are
the page itself, number r (from FIRST_MORE on) is the sum of symbol i times 1 / (r xor i). A symbol
is handled as one large integer, so that a Python on a board takes a millisecond or two for it.
"""

SYMBOL_SIZE = 205
FIRST_MORE = 64              # Symbols that are more than the page itself have numbers from here,
SYMBOLS = 256                # to below this.
_ONES = int.from_bytes(b"\x01" * SYMBOL_SIZE, "big")
_SEVENS = _ONES * 0x7F


def _tables() -> tuple[bytes, bytes]:
    """Powers of 3 modulo x^8 + x^4 + x^3 + x + 1, twice over, and their logarithms."""
    powers, logarithms = bytearray(510), bytearray(256)
    value = 1
    for at in range(255):
        powers[at] = powers[at + 255] = value
        logarithms[value] = at
        value ^= value << 1
        if value > 255:
            value ^= 0x11B
    return bytes(powers), bytes(logarithms)


_POWER, _LOG = _tables()


def more(symbols: list[int], number: int) -> int:
    """Symbol `number`, of FIRST_MORE and above, of a page of these symbols."""
    assert FIRST_MORE <= number < SYMBOLS and len(symbols) <= FIRST_MORE
    return _sum([_inverse(number ^ at) for at in range(len(symbols))], symbols)


def rebuild(k: int, found: dict[int, int]) -> list[int]:
    """The page's symbols from any `k` of them that were found, by number."""
    lost = [at for at in range(k) if at not in found]
    if not lost:
        return [found[at] for at in range(k)]
    here = [at for at in range(k) if at in found]
    rows = sorted([number for number in found if number >= FIRST_MORE])[:len(lost)]
    assert len(rows) == len(lost)
    known = [found[at] for at in here]
    sums = [found[row] ^ _sum([_inverse(row ^ at) for at in here], known) for row in rows]
    whole = {at: found[at] for at in here}
    solution = _solution(rows, lost)
    for j, at in enumerate(lost):
        whole[at] = _sum(solution[j], sums)
    return [whole[at] for at in range(k)]


def _solution(rows: list[int], lost: list[int]) -> list[list[int]]:
    """The inverse of the Cauchy matrix of these rows and columns, which has a closed form."""
    by_row = [_logarithm([row ^ at for at in lost], [row ^ other for other in rows if other != row])
              for row in rows]
    found = []
    for at in lost:
        own = _logarithm([row ^ at for row in rows], [at ^ other for other in lost if other != at])
        found.append([_POWER[(own + by_row[j] - _LOG[rows[j] ^ at]) % 255]
                      for j in range(len(rows))])
    return found


def _logarithm(above: list[int], below: list[int]) -> int:
    """Of the product of all that is above over all that is below."""
    return sum([_LOG[value] for value in above]) - sum([_LOG[value] for value in below])


def _inverse(value: int) -> int:
    return _POWER[255 - _LOG[value]]


def _sum(factors: list[int], symbols: list[int]) -> int:
    """Sum of symbols, each times its factor: bit by bit of the factors, the highest first."""
    total = 0
    for bit in range(7, -1, -1):
        total = (total & _SEVENS) << 1 ^ (total >> 7 & _ONES) * 0x1B
        for at in range(len(symbols)):
            if factors[at] >> bit & 1:
                total ^= symbols[at]
    return total
