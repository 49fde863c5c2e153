"""ChaCha20/Poly1305 in plain Python, for tests on MicroPython only.

Slow, and not made to keep secrets: it takes a time that depends on what it works on. It is
checked against RFC 8439 in test_slow_cipher.py and against libsodium where that is at hand.
"""

from struct import pack, unpack

from wum_shared.cipher import Cipher

_WORD = 0xFFFFFFFF
_P1305 = (1 << 130) - 5
_CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
_QUARTERS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
             (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


class SlowCipher(Cipher):
    """AEAD_CHACHA20_POLY1305 (RFC 8439, 2.8)."""

    def encrypt(self, key, nonce, plaintext, aad):
        """Ciphertext, then the tag of 16 bytes."""
        ciphertext = chacha20(key, 1, nonce, plaintext)
        return ciphertext + _tag(key, nonce, ciphertext, aad)

    def decrypt(self, key, nonce, ciphertext, aad):
        """The plaintext, or None when the tag does not hold."""
        body, tag = ciphertext[:-16], ciphertext[-16:]
        if len(ciphertext) < 16 or _tag(key, nonce, body, aad) != tag:
            return None
        return chacha20(key, 1, nonce, body)


def chacha20(key, counter, nonce, data):
    """`data` XOR the key stream from block `counter` on (RFC 8439, 2.4)."""
    out = bytearray()
    for start in range(0, len(data), 64):
        block = _block(key, counter + start // 64, nonce)
        piece = data[start:start + 64]
        out.extend(bytes([piece[at] ^ block[at] for at in range(len(piece))]))
    return bytes(out)


def poly1305(key, message):
    """Tag of 16 bytes (RFC 8439, 2.5)."""
    r = int.from_bytes(key[:16], "little") & _CLAMP
    s = int.from_bytes(key[16:32], "little")
    total = 0
    for start in range(0, len(message), 16):
        total = (total + int.from_bytes(message[start:start + 16] + b"\x01", "little")) * r % _P1305
    return ((total + s) & ((1 << 128) - 1)).to_bytes(16, "little")


def _block(key, counter, nonce):
    """64 bytes of key stream (RFC 8439, 2.3)."""
    start = (0x61707865, 0x3320646E, 0x79622D32, 0x6B206574) + unpack(
        "<8L", key) + (counter,) + unpack("<3L", nonce)
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


def _tag(key, nonce, ciphertext, aad):
    """Tag over aad and ciphertext, each padded to 16 bytes, and their lengths (RFC 8439, 2.8)."""
    message = aad + bytes(-len(aad) % 16) + ciphertext + bytes(-len(ciphertext) % 16)
    return poly1305(_block(key, 0, nonce)[:32], message + pack("<QQ", len(aad), len(ciphertext)))
