"""What the head-end opens, verifies and agrees with stands Wycheproof's vectors."""

from tests import wycheproof
from wum_cloud.registry.cipher import SodiumAgreement, SodiumCipher, SodiumVerifier


def test_the_head_ends_cryptography_stands_all_vectors() -> None:
    assert wycheproof.sealing(SodiumCipher()) == []
    assert wycheproof.signing(SodiumVerifier()) == []
    assert wycheproof.agreeing(SodiumAgreement()) == []
