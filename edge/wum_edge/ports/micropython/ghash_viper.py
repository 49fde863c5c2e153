"""GHASH as native code: words of 32 bits in buffers, so that a frame of a meter leaves no garbage.

A number of the field is 16 bytes in four words, the standard's leftmost bit the highest of word 0.
A module of its own: builds without a code emitter refuse it when it is imported. NIST SP 800-38D,
6.3 and 6.4. Not run on hardware (docs/boards.md).
"""

import micropython

_R = 0xE1                    # The field's polynomial, in the highest byte of word 0.
_BLOCK = 16
# What the four bits that are shifted out come back as, in the upper half of word 0: two bytes each.
_REDUCED = (b"\x00\x00\x1c\x20\x38\x40\x24\x60\x70\x80\x6c\xa0\x48\xc0\x54\xe0"
            b"\xe1\x00\xfd\x20\xd9\x40\xc5\x60\x91\x80\x8d\xa0\xa9\xc0\xb5\xe0")


@micropython.viper
def _tabulate(table: ptr32, h: ptr8, polynomial: int):   # noqa: F821
    """h times each of the 16 values of four bits: 8 is h itself, and half of a value is it again,
    shifted by one place."""
    for place in range(64):
        table[place] = 0
    for word in range(4):
        table[32 + word] = (h[4 * word] << 24) | (h[4 * word + 1] << 16) | (
            h[4 * word + 2] << 8) | h[4 * word + 3]
    place = 8
    while place > 1:
        at = 4 * place
        half = 2 * place
        carried = (table[at + 3] & 1) * polynomial << 24
        for word in range(4):                # No constant of a board has more than 30 bits.
            halved = (table[at + word] >> 2 & 0x3FFFFFFF) << 1 | table[at + word] >> 1 & 1
            table[half + word] = halved ^ carried
            carried = table[at + word] << 31
        place = place >> 1
    for place in range(3, 16):
        low = place & (0 - place)
        if low != place:
            for word in range(4):
                table[4 * place + word] = table[4 * low + word] ^ table[4 * (place ^ low) + word]


@micropython.viper
def _absorb(total: ptr32, table: ptr32, reduced: ptr8,   # noqa: F821
            data: ptr8, size: int):                      # noqa: F821
    """`total` over `data`, padded to whole blocks."""
    at = 0
    while at < size:
        for place in range(16):
            if at + place < size:
                word = place >> 2
                total[word] = total[word] ^ data[at + place] << (24 - 8 * (place & 3))
        z0 = 0
        z1 = 0
        z2 = 0
        z3 = 0
        for digit in range(32):              # Four bits at a time from the last.
            bits = (total[3 - (digit >> 3)] >> (4 * (digit & 7))) & 15
            out = z3 & 15
            z3 = (((z3 >> 4) & 0xFFFFFFF) | z2 << 28) ^ table[4 * bits + 3]
            z2 = (((z2 >> 4) & 0xFFFFFFF) | z1 << 28) ^ table[4 * bits + 2]
            z1 = (((z1 >> 4) & 0xFFFFFFF) | z0 << 28) ^ table[4 * bits + 1]
            z0 = ((z0 >> 4) & 0xFFFFFFF) ^ table[4 * bits] ^ (
                reduced[2 * out] << 24 | reduced[2 * out + 1] << 16)
        total[0] = z0
        total[1] = z1
        total[2] = z2
        total[3] = z3
        at = at + 16


@micropython.viper
def _show(out: ptr8, total: ptr32):                      # noqa: F821
    for place in range(16):
        out[place] = (total[place >> 2] >> (24 - 8 * (place & 3))) & 0xFF


@micropython.viper
def _mix(data: ptr8, stream: ptr8, size: int, passed: int):     # noqa: F821
    for place in range(size):
        data[place] = data[place] ^ stream[passed + place]


def ghash(h, aad, sealed):
    """GHASH with the key `h` over both and their lengths: 16 bytes in a bytearray."""
    table, total = bytearray(256), bytearray(_BLOCK)
    lengths = bytearray(_BLOCK)
    lengths[4:8] = (8 * len(aad)).to_bytes(4, "big")
    lengths[12:16] = (8 * len(sealed)).to_bytes(4, "big")
    _tabulate(table, h, _R)
    for data in (aad, sealed, lengths):
        _absorb(total, table, _REDUCED, data, len(data))
    made = bytearray(_BLOCK)
    _show(made, total)
    return made


def mix(data, stream, passed):
    """`data`, a bytearray, XOR `stream` behind its first `passed` bytes."""
    _mix(data, stream, len(data), passed)
