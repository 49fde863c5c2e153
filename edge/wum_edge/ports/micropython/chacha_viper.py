"""The block of ChaCha20 as native code: some 20 times as fast as plain Python on a board.

A module of its own: builds without a code emitter refuse it when it is imported. RFC 8439, 2.3.
"""

import micropython


@micropython.viper
def _rounds(x: ptr32):                                   # noqa: F821
    for _ in range(10):
        for which in range(8):
            a = which & 3
            shift = 0 if which < 4 else 1
            b = 4 + ((a + shift) & 3)
            c = 8 + ((a + 2 * shift) & 3)
            d = 12 + ((a + 3 * shift) & 3)
            xa = x[a] + x[b]
            xd = x[d] ^ xa
            xd = (xd << 16) | ((xd >> 16) & 0xFFFF)
            xc = x[c] + xd
            xb = x[b] ^ xc
            xb = (xb << 12) | ((xb >> 20) & 0xFFF)
            xa = xa + xb
            xd = xd ^ xa
            xd = (xd << 8) | ((xd >> 24) & 0xFF)
            xc = xc + xd
            xb = xb ^ xc
            x[a] = xa
            x[b] = (xb << 7) | ((xb >> 25) & 0x7F)
            x[c] = xc
            x[d] = xd


@micropython.viper
def _add(x: ptr32, start: ptr32):                        # noqa: F821
    for at in range(16):
        x[at] = x[at] + start[at]


@micropython.viper
def _mix(out: ptr8, at: int, block: ptr8, count: int):   # noqa: F821
    for place in range(count):
        out[at + place] = out[at + place] ^ block[place]


def xor(state, data):
    """`data`, a bytearray, XOR the key stream from `state` on: 64 bytes whose counter goes on."""
    block = bytearray(64)
    counter = int.from_bytes(state[48:52], "little")
    for at in range(0, len(data), 64):
        state[48:52] = (counter & 0xFFFFFFFF).to_bytes(4, "little")
        block[:] = state
        _rounds(block)
        _add(block, state)
        _mix(data, at, block, min(64, len(data) - at))
        counter += 1
