"""AES-128-GCM in plain Python, for tests on MicroPython only. Slow, and not made to keep secrets.

FIPS 197, SP 800-38D; checked by the Green Book's vectors in test_conversations.py.
"""

from wum_edge.meters.dlms.ciphering import AesGcm


def _tables():
    box, power = [0] * 256, 1
    inverse = 1
    while True:
        power ^= power << 1 & 0xFF ^ (0x1B if power & 0x80 else 0)    # Times 3 ...
        inverse ^= inverse << 1
        inverse ^= inverse << 2
        inverse ^= inverse << 4
        inverse &= 0xFF
        if inverse & 0x80:                                            # ... and by 3.
            inverse ^= 0x09
        x = inverse ^ _left(inverse, 1) ^ _left(inverse, 2) ^ _left(inverse, 3) ^ _left(inverse, 4)
        box[power] = (x ^ 0x63) & 0xFF
        if power == 1:
            break
    box[0] = 0x63
    return box


def _left(value, bits):
    return (value << bits | value >> 8 - bits) & 0xFF


_BOX = _tables()


class SlowAesGcm(AesGcm):
    """Nonces of 12 bytes."""

    def seal(self, key, nonce, plaintext, aad):
        """Ciphertext, then the tag of 16 bytes."""
        rounds = _expand(key)
        hashed = int.from_bytes(_block(rounds, bytes(16)), "big")
        ciphertext = b""
        for at in range(0, len(plaintext), 16):
            stream = _block(rounds, nonce + (at // 16 + 2).to_bytes(4, "big"))
            piece = plaintext[at:at + 16]
            ciphertext += bytes([piece[n] ^ stream[n] for n in range(len(piece))])
        data = aad + bytes(-len(aad) % 16) + ciphertext + bytes(-len(ciphertext) % 16) + (
            8 * len(aad)).to_bytes(8, "big") + (8 * len(ciphertext)).to_bytes(8, "big")
        total = 0
        for at in range(0, len(data), 16):
            total = _times(total ^ int.from_bytes(data[at:at + 16], "big"), hashed)
        mask = int.from_bytes(_block(rounds, nonce + b"\0\0\0\1"), "big")
        return ciphertext + (total ^ mask).to_bytes(16, "big")


def _times(x, y):
    found = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            found ^= y
        y = y >> 1 ^ (0xE1 << 120 if y & 1 else 0)
    return found


def _expand(key):
    words = [list(key[at:at + 4]) for at in range(0, 16, 4)]
    factor = 1
    for place in range(4, 44):
        word = list(words[-1])
        if place % 4 == 0:
            word = [_BOX[byte] for byte in word[1:] + word[:1]]
            word[0] ^= factor
            factor = factor << 1 ^ (0x11B if factor & 0x80 else 0)
        words.append([word[n] ^ words[-4][n] for n in range(4)])
    return [sum(words[4 * place:4 * place + 4], []) for place in range(11)]


def _block(rounds, data):
    state = [data[n] ^ rounds[0][n] for n in range(16)]
    for place in range(1, 11):
        state = [_BOX[state[(n + 4 * (n % 4)) % 16]] for n in range(16)]
        if place < 10:
            state = _mixed(state)
        state = [state[n] ^ rounds[place][n] for n in range(16)]
    return bytes(state)


def _mixed(state):
    found = []
    for column in range(0, 16, 4):
        part = state[column:column + 4]
        every = part[0] ^ part[1] ^ part[2] ^ part[3]
        for n in range(4):
            pair = part[n] ^ part[(n + 1) % 4]
            found.append(part[n] ^ every ^ (pair << 1 ^ (0x11B if pair & 0x80 else 0)))
    return found
