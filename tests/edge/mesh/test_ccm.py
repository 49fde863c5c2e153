"""CCM against RFC 3610's construction: with a block function whose answers are known.

Packet vectors with AES itself stand in tests/ports, where a library has AES and CCM.
"""

from hashlib import sha256

from wum_edge.mesh.ccm import NONCE_SIZE, TAG_SIZE, Aes, Ccm


class Blocks(Aes):
    """Any function of 16 bytes makes a CCM: it only encrypts."""

    def blocks(self, plain):
        assert len(plain) % 16 == 0
        return b"".join([sha256(plain[at:at + 16]).digest()[:16]
                         for at in range(0, len(plain), 16)])


def test_what_is_sealed_is_opened_at_every_length():
    ccm = Ccm(Blocks())
    for size in (0, 1, 15, 16, 17, 31, 32, 239):
        nonce, aad = bytes(range(NONCE_SIZE)), bytes(12)
        plain = bytes([at & 255 for at in range(size)])
        sealed = ccm.seal(nonce, plain, aad)
        assert len(sealed) == size + TAG_SIZE
        assert size < 4 or sealed[:size] != plain
        assert ccm.open(nonce, sealed, aad) == plain
        assert ccm.open(nonce, sealed, aad + b"x") is None
        assert ccm.open(nonce[:-1] + b"x", sealed, aad) is None
        assert ccm.open(nonce, sealed[:-1] + bytes((sealed[-1] ^ 1,)), aad) is None
    assert ccm.open(bytes(NONCE_SIZE), b"abc", b"a") is None
