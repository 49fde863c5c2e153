"""The block of ChaCha20 in plain Python, where there is no native code: for a virtual board only.

It takes some 300 ms for 1,000 bytes on an ESP32 and leaves a thousand times that as garbage, so a
board refuses it (cipher.py). RFC 8439, 2.3.
"""

from struct import pack, unpack

_WORD = 0xFFFFFFFF
_QUARTERS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
             (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def xor(state, data):
    """`data`, a bytearray, XOR the key stream from `state` on: 64 bytes whose counter goes on."""
    start = list(unpack("<16L", state))
    for at in range(0, len(data), 64):
        piece = bytes(data[at:at + 64])
        size = len(piece)
        stream = _block(start)[:size]
        mixed = int.from_bytes(piece, "little") ^ int.from_bytes(stream, "little")
        data[at:at + size] = mixed.to_bytes(size, "little")
        start[12] = (start[12] + 1) & _WORD


def _block(start):
    x = list(start)
    for _ in range(10):
        for a, b, c, d in _QUARTERS:
            _quarter(x, a, b, c, d)
    return pack("<16L", *[(x[at] + start[at]) & _WORD for at in range(16)])


def _quarter(x, a, b, c, d):
    """Quarter round (RFC 8439, 2.1), written out: MicroPython pays for every loop."""
    xa = (x[a] + x[b]) & _WORD
    xd = x[d] ^ xa
    xd = (xd << 16 | xd >> 16) & _WORD
    xc = (x[c] + xd) & _WORD
    xb = x[b] ^ xc
    xb = (xb << 12 | xb >> 20) & _WORD
    x[a] = xa = (xa + xb) & _WORD
    xd ^= xa
    x[d] = xd = (xd << 8 | xd >> 24) & _WORD
    x[c] = xc = (xc + xd) & _WORD
    xb ^= xc
    x[b] = (xb << 7 | xb >> 25) & _WORD
