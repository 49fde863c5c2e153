"""GHASH in plain Python, where there is no native code: for a virtual board only.

Its big integers leave 20 bytes of garbage for each byte. NIST SP 800-38D, 6.3 and 6.4.
"""

from struct import pack

_R = 0xE1 << 120


def ghash(h, aad, sealed):
    """GHASH with the key `h` over both and their lengths: 16 bytes."""
    table = _table(int.from_bytes(h, "big"))
    hashed = _hashed(_hashed(0, table, aad), table, sealed)
    hashed = _hashed(hashed, table, pack(">QQ", 8 * len(aad), 8 * len(sealed)))
    return hashed.to_bytes(16, "big")


def mix(data, stream, passed):
    """`data`, a bytearray, XOR `stream` behind its first `passed` bytes."""
    size = len(data)
    if size:
        mixed = int.from_bytes(data, "big") ^ int.from_bytes(stream[passed:passed + size], "big")
        data[:] = mixed.to_bytes(size, "big")


def _table(h):
    """h times each of the 16 values of four bits, in the field's own order of bits (6.3)."""
    table = [0] * 16
    table[8] = h
    for place in (4, 2, 1):
        h = h >> 1 ^ (_R if h & 1 else 0)
        table[place] = h
    for place in range(16):
        low = place & -place
        if low != place:
            table[place] = table[low] ^ table[place ^ low]
    return table


_REDUCED = []                # What the four bits that are shifted out come back as.
for _bits in range(16):
    _value = _bits
    for _ in range(4):
        _value = _value >> 1 ^ (_R if _value & 1 else 0)
    _REDUCED.append(_value)


def _hashed(total, table, data):
    """GHASH over `data`, padded to whole blocks (6.4)."""
    for at in range(0, len(data), 16):
        piece = bytes(data[at:at + 16])
        piece += bytes(16 - len(piece))
        total = _times(total ^ int.from_bytes(piece, "big"), table)
    return total


def _times(x, table):
    """x times h, four bits at a time from the last."""
    product = 0
    for _ in range(32):
        product = product >> 4 ^ _REDUCED[product & 15] ^ table[x & 15]
        x >>= 4
    return product
