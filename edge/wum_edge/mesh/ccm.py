"""AES-CCM over a block cipher that a port supplies. RFC 3610; tags of 4 bytes, nonces of 13.

Left out: AES itself. A port whose library has CCM replaces `Ccm` whole.
"""

TAG_SIZE, NONCE_SIZE = 4, 13
_FLAGS = 0x40 | (TAG_SIZE - 2) // 2 << 3 | 1         # Data beside; lengths of 2 bytes.


class Aes:
    """AES with one key of 16 bytes, encrypting only (FIPS 197)."""

    def blocks(self, plain: bytes) -> bytes:
        """Every block of 16 bytes encrypted for itself (ECB)."""
        raise NotImplementedError


class Ccm:
    """Seals and opens what is at most 255 bytes."""

    def __init__(self, aes: Aes) -> None:
        self._aes = aes

    def seal(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        """Ciphertext and tag; `aad` is authenticated, and 1..255 bytes."""
        stream = self._stream(nonce, len(plain))
        return _xor(plain, stream[16:]) + _xor(self._mac(nonce, plain, aad), stream)

    def open(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        """The plaintext; None when the tag does not hold."""
        size = len(sealed) - TAG_SIZE
        if size < 0:
            return None
        stream = self._stream(nonce, size)
        plain = _xor(sealed[:size], stream[16:])
        wrong = 0
        for difference in _xor(_xor(self._mac(nonce, plain, aad), stream), sealed[size:]):
            wrong |= difference
        return None if wrong else plain

    def _stream(self, nonce: bytes, size: int) -> bytes:
        """Key stream: a block for the tag, then those for the text."""
        assert len(nonce) == NONCE_SIZE
        start = bytes((1,)) + nonce
        return self._aes.blocks(b"".join(
            [start + count.to_bytes(2, "big") for count in range(1 + (size + 15) // 16)]))

    def _mac(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        assert 0 < len(aad) < 256
        state = self._aes.blocks(bytes((_FLAGS,)) + nonce + len(plain).to_bytes(2, "big"))
        beside = len(aad).to_bytes(2, "big") + aad
        for part in (beside, plain):
            for at in range(0, len(part), 16):
                state = self._aes.blocks(_xor(state, part[at:at + 16]) + state[len(part) - at:])
        return state[:TAG_SIZE]


def _xor(one: bytes, other: bytes) -> bytes:
    """As long as the shorter of the two."""
    return bytes([one[at] ^ other[at] for at in range(min(len(one), len(other)))])
