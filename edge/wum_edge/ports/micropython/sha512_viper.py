"""SHA-512 as native code: a board counts words of 32 bits, two for each of the standard's.

In a buffer the low half stands first. A module of its own: builds without a code emitter refuse it
when it is imported. FIPS 180-4, 6.4. Not run on hardware (docs/boards.md).
"""

import micropython

from wum_edge.ports.micropython.sha512_plain import ROUNDS, START, padded

_BLOCK = 128


@micropython.viper
def _load(words: ptr32, block: ptr8):                    # noqa: F821
    """The first 16 words are the block's, highest byte first."""
    for at in range(32):
        words[at ^ 1] = (block[4 * at] << 24) | (block[4 * at + 1] << 16) | (
            block[4 * at + 2] << 8) | block[4 * at + 3]


@micropython.viper
def _schedule(words: ptr32):                             # noqa: F821
    """The other 64 (6.4.2, 1). Sums are made of halves of 16 bits, whose carry is seen."""
    for at in range(32, 160, 2):
        low = words[at - 30]
        high = words[at - 29]
        x = (((low >> 2) & 0x3FFFFFFF) << 1 | (low >> 1) & 1 | high << 31) ^ (
            (low >> 8) & 0xFFFFFF | high << 24) ^ ((low >> 7) & 0x1FFFFFF | high << 25)
        xh = (((high >> 2) & 0x3FFFFFFF) << 1 | (high >> 1) & 1 | low << 31) ^ (
            (high >> 8) & 0xFFFFFF | low << 24) ^ ((high >> 7) & 0x1FFFFFF)
        low = words[at - 4]
        high = words[at - 3]
        y = ((low >> 19) & 0x1FFF | high << 13) ^ (low << 3 | (high >> 29) & 7) ^ (
            (low >> 6) & 0x3FFFFFF | high << 26)
        yh = ((high >> 19) & 0x1FFF | low << 13) ^ (high << 3 | (low >> 29) & 7) ^ (
            (high >> 6) & 0x3FFFFFF)
        z = words[at - 14]
        w = words[at - 32]
        first = (x & 0xFFFF) + (y & 0xFFFF) + (z & 0xFFFF) + (w & 0xFFFF)
        second = (first >> 16) + ((x >> 16) & 0xFFFF) + ((y >> 16) & 0xFFFF) + (
            (z >> 16) & 0xFFFF) + ((w >> 16) & 0xFFFF)
        words[at] = second << 16 | first & 0xFFFF
        words[at + 1] = (second >> 16) + xh + yh + words[at - 13] + words[at - 31]


@micropython.viper
def _rounds(mixed: ptr32, words: ptr32, rounds: ptr32):  # noqa: F821
    """The 80 rounds (6.4.2, 3). Instead of the eight words their places go round."""
    for t in range(80):
        a = 2 * ((80 - t) & 7)
        b = 2 * ((81 - t) & 7)
        c = 2 * ((82 - t) & 7)
        d = 2 * ((83 - t) & 7)
        e = 2 * ((84 - t) & 7)
        f = 2 * ((85 - t) & 7)
        g = 2 * ((86 - t) & 7)
        h = 2 * ((87 - t) & 7)
        low = mixed[e]
        high = mixed[e + 1]
        x = ((low >> 14) & 0x3FFFF | high << 18) ^ ((low >> 18) & 0x3FFF | high << 14) ^ (
            (high >> 9) & 0x7FFFFF | low << 23)
        xh = ((high >> 14) & 0x3FFFF | low << 18) ^ ((high >> 18) & 0x3FFF | low << 14) ^ (
            (low >> 9) & 0x7FFFFF | high << 23)
        y = mixed[g] ^ low & (mixed[f] ^ mixed[g])
        yh = mixed[g + 1] ^ high & (mixed[f + 1] ^ mixed[g + 1])
        z = mixed[h]
        k = rounds[2 * t]
        w = words[2 * t]
        first = (x & 0xFFFF) + (y & 0xFFFF) + (z & 0xFFFF) + (k & 0xFFFF) + (w & 0xFFFF)
        second = (first >> 16) + ((x >> 16) & 0xFFFF) + ((y >> 16) & 0xFFFF) + (
            (z >> 16) & 0xFFFF) + ((k >> 16) & 0xFFFF) + ((w >> 16) & 0xFFFF)
        one = second << 16 | first & 0xFFFF
        oneh = (second >> 16) + xh + yh + mixed[h + 1] + rounds[2 * t + 1] + words[2 * t + 1]
        z = mixed[d]
        first = (one & 0xFFFF) + (z & 0xFFFF)
        second = (first >> 16) + ((one >> 16) & 0xFFFF) + ((z >> 16) & 0xFFFF)
        mixed[d] = second << 16 | first & 0xFFFF
        mixed[d + 1] = (second >> 16) + oneh + mixed[d + 1]
        low = mixed[a]
        high = mixed[a + 1]
        x = ((low >> 28) & 0xF | high << 4) ^ ((high >> 2) & 0x3FFFFFFF | low << 30) ^ (
            (high >> 7) & 0x1FFFFFF | low << 25)
        xh = ((high >> 28) & 0xF | low << 4) ^ ((low >> 2) & 0x3FFFFFFF | high << 30) ^ (
            (low >> 7) & 0x1FFFFFF | high << 25)
        y = low & mixed[b] | mixed[c] & (low | mixed[b])
        yh = high & mixed[b + 1] | mixed[c + 1] & (high | mixed[b + 1])
        first = (one & 0xFFFF) + (x & 0xFFFF) + (y & 0xFFFF)
        second = (first >> 16) + ((one >> 16) & 0xFFFF) + ((x >> 16) & 0xFFFF) + (
            (y >> 16) & 0xFFFF)
        mixed[h] = second << 16 | first & 0xFFFF
        mixed[h + 1] = (second >> 16) + oneh + xh + yh


@micropython.viper
def _add(state: ptr32, mixed: ptr32):                    # noqa: F821
    """(6.4.2, 4)."""
    for at in range(0, 16, 2):
        x = state[at]
        y = mixed[at]
        first = (x & 0xFFFF) + (y & 0xFFFF)
        second = (first >> 16) + ((x >> 16) & 0xFFFF) + ((y >> 16) & 0xFFFF)
        state[at] = second << 16 | first & 0xFFFF
        state[at + 1] = (second >> 16) + state[at + 1] + mixed[at + 1]


def _turned(data):
    """Each eight bytes in the other order."""
    return b"".join([bytes(reversed(data[at:at + 8])) for at in range(0, len(data), 8)])


_ROUNDS = _turned(ROUNDS)


def sha512(data):
    """64 bytes."""
    state, mixed = bytearray(_turned(START)), bytearray(64)
    words, block, data = bytearray(640), bytearray(_BLOCK), padded(data)
    for at in range(0, len(data), _BLOCK):
        block[:] = data[at:at + _BLOCK]
        mixed[:] = state
        _load(words, block)
        _schedule(words)
        _rounds(mixed, words, _ROUNDS)
        _add(state, mixed)
    return _turned(state)
