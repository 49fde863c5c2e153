"""AES for meters: GCM for DLMS, CBC for M-Bus, over the blocks that cryptolib gives.

Left out: AES itself. Meters' frames are short: what a byte costs here is little beside the line.
NIST SP 800-38D and 800-38A.
"""

from struct import pack

import cryptolib

from wum_edge.meters.dlms import ciphering
from wum_edge.meters.mbus import cipher

_ECB, _CBC = 1, 2
_R = 0xE1 << 120


class AesGcm(ciphering.AesGcm):
    """AES-128 with nonces of 12 bytes."""

    def seal(self, key, nonce, plaintext, aad):
        """See ciphering.AesGcm."""
        block = cryptolib.aes(key, _ECB)
        table = _table(int.from_bytes(block.encrypt(bytes(16)), "big"))
        count = (len(plaintext) + 15) // 16
        counters = b"".join([nonce + pack(">I", number) for number in range(1, count + 2)])
        stream = block.encrypt(counters)
        sealed = _xor(plaintext, stream[16:])
        hashed = _hashed(_hashed(0, table, aad), table, sealed)
        hashed = _hashed(hashed, table, pack(">QQ", 8 * len(aad), 8 * len(sealed)))
        return sealed + _xor(hashed.to_bytes(16, "big"), stream[:16])


class AesCbc(cipher.AesCbc):
    """AES-128 in CBC."""

    def open(self, key, vector, data):
        """See cipher.AesCbc."""
        return cryptolib.aes(key, _CBC, vector).decrypt(data)


def _xor(one, other):
    size = len(one)
    if not size:
        return b""
    mixed = int.from_bytes(one, "big") ^ int.from_bytes(other[:size], "big")
    return mixed.to_bytes(size, "big")


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
