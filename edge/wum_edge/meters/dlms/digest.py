"""MD5 and SHA-1 in plain Python, for HLS mechanisms 3 and 4: boards have neither.

Left out: any use where they would have to be strong. RFC 1321, RFC 3174.
"""

from struct import pack, unpack

_WORD = 0xFFFFFFFF
_SHIFTS = ((7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21))
# floor(2^32 x |sin(i + 1)|), as RFC 1321 prints them: a board's sine has too few digits.
_SINES = unpack(">64L", bytes.fromhex(
    "d76aa478e8c7b756242070dbc1bdceeef57c0faf4787c62aa8304613fd469501"
    "698098d88b44f7afffff5bb1895cd7be6b901122fd987193a679438e49b40821"
    "f61e2562c040b340265e5a51e9b6c7aad62f105d02441453d8a1e681e7d3fbc8"
    "21e1cde6c33707d6f4d50d87455a14eda9e3e905fcefa3f8676f02d98d2a4c8a"
    "fffa39428771f6816d9d6122fde5380ca4beea444bdecfa9f6bb4b60bebfbc70"
    "289b7ec6eaa127fad4ef308504881d05d9d4d039e6db99e51fa27cf8c4ac5665"
    "f4292244432aff97ab9423a7fc93a039655b59c38f0ccc92ffeff47d85845dd1"
    "6fa87e4ffe2ce6e0a30143144e0811a1f7537e82bd3af2352ad7d2bbeb86d391"))


def md5(message: bytes) -> bytes:
    """16 bytes."""
    state = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
    padded = message + b"\x80" + bytes((55 - len(message)) % 64) + pack("<Q", 8 * len(message))
    for start in range(0, len(padded), 64):
        words = unpack("<16L", padded[start:start + 64])
        a, b, c, d = state
        for i in range(64):
            kind = i >> 4
            if kind == 0:
                f, word = b & c | ~b & d, i
            elif kind == 1:
                f, word = d & b | ~d & c, 5 * i + 1
            elif kind == 2:
                f, word = b ^ c ^ d, 3 * i + 5
            else:
                f, word = c ^ (b | ~d & _WORD), 7 * i
            total = a + (f & _WORD) + _SINES[i] + words[word & 15] & _WORD
            shift = _SHIFTS[kind][i & 3]
            a, d, c, b = d, c, b, b + (total << shift | total >> 32 - shift) & _WORD
        state = (state[0] + a & _WORD, state[1] + b & _WORD,
                 state[2] + c & _WORD, state[3] + d & _WORD)
    return pack("<4L", *state)


def sha1(message: bytes) -> bytes:
    """20 bytes."""
    state = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
    padded = message + b"\x80" + bytes((55 - len(message)) % 64) + pack(">Q", 8 * len(message))
    for start in range(0, len(padded), 64):
        words = list(unpack(">16L", padded[start:start + 64]))
        for i in range(16, 80):
            words.append(_left(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1))
        a, b, c, d, e = state
        for i in range(80):
            if i < 20:
                f, k = b & c | ~b & d, 0x5A827999
            elif i < 40:
                f, k = b ^ c ^ d, 0x6ED9EBA1
            elif i < 60:
                f, k = b & c | b & d | c & d, 0x8F1BBCDC
            else:
                f, k = b ^ c ^ d, 0xCA62C1D6
            total = _left(a, 5) + (f & _WORD) + e + k + words[i] & _WORD
            a, b, c, d, e = total, a, _left(b, 30), c, d
        state = (state[0] + a & _WORD, state[1] + b & _WORD, state[2] + c & _WORD,
                 state[3] + d & _WORD, state[4] + e & _WORD)
    return pack(">5L", *state)


def _left(word: int, bits: int) -> int:
    return (word << bits | word >> 32 - bits) & _WORD
