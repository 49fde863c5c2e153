"""What the gateway on Linux seals, signs, agrees and derives with stands Wycheproof's vectors."""

from tests import wycheproof
from wum_edge.ports.linux.cipher import Agreement, Cipher, Signatures
from wum_shared.kdf import expand, extract


def test_the_gateways_cryptography_stands_all_1071_vectors() -> None:
    assert wycheproof.sealing(Cipher()) == []
    assert wycheproof.signing(Signatures()) == []
    assert wycheproof.agreeing(Agreement()) == []
    assert wycheproof.deriving(extract, expand) == []


class _Careless(Cipher):
    def decrypt(self, key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes | None:
        return super().decrypt(key, nonce, ciphertext, aad) or b""


def test_who_is_careless_is_caught() -> None:
    assert len(wycheproof.sealing(_Careless())) >= 60
