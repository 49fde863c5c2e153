"""ChaCha20/Poly1305 on a board: the key stream in native code, the tag in big integers.

Left out: the block itself (chacha_viper.py, chacha_plain.py). RFC 8439.
"""

from struct import pack

from wum_shared import cipher

try:
    from wum_edge.ports.micropython.chacha_viper import xor
    IS_NATIVE = True
except (ImportError, SyntaxError, AttributeError, ValueError):   # No code emitter, or another's.
    from wum_edge.ports.micropython.chacha_plain import xor
    IS_NATIVE = False

_CONSTANT = b"expand 32-byte k"
_P1305 = (1 << 130) - 5
_CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
_SLOW_PLATFORMS = ("webassembly", "linux")           # Where the plain one is fast enough.


class TooSlow(Exception):
    """This firmware cannot seal in time: it was built without native code."""


def check(platform):
    """Raises TooSlow on a board whose firmware has no code emitter."""
    if not IS_NATIVE and platform not in _SLOW_PLATFORMS:
        raise TooSlow("this firmware has no native code emitter: sealing would take a third of a "
                      "second for each 1,000 bytes. Flash a build with viper (docs/boards.md)")


class Cipher(cipher.Cipher):
    """RFC 8439, 2.8."""

    def encrypt(self, key, nonce, plaintext, aad):
        """See cipher.Cipher."""
        data = bytearray(plaintext)
        xor(bytearray(_CONSTANT + key + b"\x01\x00\x00\x00" + nonce), data)
        data.extend(_tag(key, nonce, data, aad))
        return bytes(data)

    def decrypt(self, key, nonce, ciphertext, aad):
        """See cipher.Cipher."""
        if len(ciphertext) < 16:
            return None
        data = bytearray(ciphertext[:-16])
        if not _is_same(_tag(key, nonce, data, aad), ciphertext[-16:]):
            return None
        xor(bytearray(_CONSTANT + key + b"\x01\x00\x00\x00" + nonce), data)
        return bytes(data)


def _tag(key, nonce, data, aad):
    one_time = bytearray(32)
    xor(bytearray(_CONSTANT + key + b"\x00\x00\x00\x00" + nonce), one_time)
    r = int.from_bytes(one_time[:16], "little") & _CLAMP
    total = _absorbed(_absorbed(0, r, aad), r, data)
    total = _absorbed(total, r, pack("<QQ", len(aad), len(data)))
    total += int.from_bytes(one_time[16:], "little")
    return (total & ((1 << 128) - 1)).to_bytes(16, "little")


def _absorbed(total, r, data):
    """Poly1305 over `data`, padded to whole blocks (2.5, 2.8)."""
    view = memoryview(data)
    for at in range(0, len(data), 16):
        block = int.from_bytes(bytes(view[at:at + 16]), "little")
        total = (total + block + (1 << 128)) * r % _P1305
    return total


def _is_same(one, other):
    """Whether they are; how long that takes does not tell where they differ."""
    difference = len(one) ^ len(other)
    for left, right in zip(one, other):  # noqa: B905 - MicroPython's zip has no strict.
        difference |= left ^ right
    return not difference
