"""SHA-512 in plain Python, and the constants of both that a board may have.

For tests, and for machines that are fast enough: an ESP32 takes some 40 ms for each 128 bytes of it
(docs/boards.md). A board has sha512_viper.py, to which this is the measure. FIPS 180-4, 6.4.
"""

from binascii import unhexlify
from struct import pack, unpack

START = unhexlify(
    "6a09e667f3bcc908bb67ae8584caa73b3c6ef372fe94f82ba54ff53a5f1d36f1510e527fade682d1"
    "9b05688c2b3e6c1f1f83d9abfb41bd6b5be0cd19137e2179")
ROUNDS = unhexlify(       # Of the cube roots of the first 80 primes.
    "428a2f98d728ae227137449123ef65cdb5c0fbcfec4d3b2fe9b5dba58189dbbc3956c25bf348b538"
    "59f111f1b605d019923f82a4af194f9bab1c5ed5da6d8118d807aa98a303024212835b0145706fbe"
    "243185be4ee4b28c550c7dc3d5ffb4e272be5d74f27b896f80deb1fe3b1696b19bdc06a725c71235"
    "c19bf174cf692694e49b69c19ef14ad2efbe4786384f25e30fc19dc68b8cd5b5240ca1cc77ac9c65"
    "2de92c6f592b02754a7484aa6ea6e4835cb0a9dcbd41fbd476f988da831153b5983e5152ee66dfab"
    "a831c66d2db43210b00327c898fb213fbf597fc7beef0ee4c6e00bf33da88fc2d5a79147930aa725"
    "06ca6351e003826f142929670a0e6e7027b70a8546d22ffc2e1b21385c26c9264d2c6dfc5ac42aed"
    "53380d139d95b3df650a73548baf63de766a0abb3c77b2a881c2c92e47edaee692722c851482353b"
    "a2bfe8a14cf10364a81a664bbc423001c24b8b70d0f89791c76c51a30654be30d192e819d6ef5218"
    "d69906245565a910f40e35855771202a106aa07032bbd1b819a4c116b8d2d0c81e376c085141ab53"
    "2748774cdf8eeb9934b0bcb5e19b48a8391c0cb3c5c95a634ed8aa4ae3418acb5b9cca4f7763e373"
    "682e6ff3d6b2b8a3748f82ee5defb2fc78a5636f43172f6084c87814a1f0ab728cc702081a6439ec"
    "90befffa23631e28a4506cebde82bde9bef9a3f7b2c67915c67178f2e372532bca273eceea26619c"
    "d186b8c721c0c207eada7dd6cde0eb1ef57d4f7fee6ed17806f067aa72176fba0a637dc5a2c898a6"
    "113f9804bef90dae1b710b35131c471b28db77f523047d8432caab7b40c724933c9ebe0a15c9bebc"
    "431d67c49c100d4c4cc5d4becb3e42b6597f299cfc657e2a5fcb6fab3ad6faec6c44198c4a475817")
_MASK = 0xFFFFFFFFFFFFFFFF


def padded(data):
    """`data` with what makes whole blocks of 128 bytes of it (5.1.2)."""
    return bytes(data) + b"\x80" + bytes((111 - len(data)) % 128) + pack(">QQ", 0, 8 * len(data))


def sha512(data):
    """64 bytes."""
    state, rounds, data = list(unpack(">8Q", START)), unpack(">80Q", ROUNDS), padded(data)
    for at in range(0, len(data), 128):
        words = list(unpack(">16Q", data[at:at + 128]))
        for t in range(16, 80):
            two, fifteen = words[t - 2], words[t - 15]
            words.append((
                words[t - 16] + words[t - 7]
                + (_turned(two, 19) ^ _turned(two, 61) ^ two >> 6)
                + (_turned(fifteen, 1) ^ _turned(fifteen, 8) ^ fifteen >> 7)) & _MASK)
        a, b, c, d, e, f, g, h = state
        for t in range(80):
            first = (h + (_turned(e, 14) ^ _turned(e, 18) ^ _turned(e, 41)) + (g ^ e & (f ^ g))
                     + rounds[t] + words[t])
            second = (_turned(a, 28) ^ _turned(a, 34) ^ _turned(a, 39)) + (a & b | c & (a | b))
            h, g, f, e, d, c, b, a = (
                g, f, e, d + first & _MASK, c, b, a, first + second & _MASK)
        mixed = (a, b, c, d, e, f, g, h)
        for place in range(8):
            state[place] = state[place] + mixed[place] & _MASK
    return pack(">8Q", *state)


def _turned(word, count):
    """To the right, what falls out comes in again."""
    return word >> count | word << 64 - count & _MASK
