"""SHA-512, Ed25519, X25519 of the boards: the standards' vectors, Wycheproof's, and libsodium."""

import hashlib
import os
import random
from itertools import product

import pytest

from tests import wycheproof
from tests.ports import viper
from wum_edge.ports.linux import cipher as linux
from wum_edge.ports.micropython import ed25519, sha512_plain
from wum_edge.ports.micropython.ed25519 import Signer, Verifier
from wum_edge.ports.micropython.x25519 import Agreement

P, L = (1 << 255) - 19, (1 << 252) + 27742317777372353535851937790883648493
# FIPS 180-4's examples (NIST): one block, and two.
ABC = ("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")
TWO_BLOCKS = (b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
              b"hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu")
OF_TWO = ("8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
          "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909")


@pytest.fixture
def native(monkeypatch):
    return viper.run(monkeypatch, "sha512_viper.py")["sha512"]


def test_sha_512_is_that_of_fips_180_4(native):
    for sha512 in (sha512_plain.sha512, native):
        assert sha512(b"abc").hex() == ABC
        assert sha512(TWO_BLOCKS).hex() == OF_TWO


def test_its_constants_are_of_the_first_80_primes():
    primes = [n for n in range(2, 410) if all(n % m for m in range(2, n))]
    assert len(primes) == 80
    for place in range(80):
        root = (1 << 64) * (int(primes[place] ** (1 / 3))) + int.from_bytes(
            sha512_plain.ROUNDS[8 * place:8 * place + 8], "big")
        assert root ** 3 <= primes[place] << 192 < (root + 1) ** 3


def test_sha_512_is_the_librarys_whatever_the_length(native):
    for size in [*range(260), 1000]:
        data = os.urandom(size)
        assert sha512_plain.sha512(data) == hashlib.sha512(data).digest(), size
    for data in (*map(os.urandom, (0, 1, 111, 112, 127, 128, 239, 240, 255)),
                 b"\xff" * 200, bytes(128), b"\x80" * 128, b"\x7f\xff" * 99):   # Every carry.
        assert native(data) == hashlib.sha512(data).digest(), data


def test_wycheproofs_vectors_of_signatures_and_agreement_hold():
    assert wycheproof.signing(Verifier()) == []
    assert wycheproof.agreeing(Agreement()) == []


# RFC 8032, 7.1: tests 1, 2, 3 and that of SHA(abc); seed, public key, message, signature.
RFC_8032 = (
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     ("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
      "b46bd25bf5f0595bbe24655141438e7a100b")),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     ("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
      "1d8c387b2eaeb4302aeeb00d291612bb0c00")),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     ("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
      "c6594a7c15e9716ed28dc027beceea1ec40a")),
    ("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf", ABC,
     ("dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431"
      "e0303dca179c138ac17ad9bef1177331a704")),
)


@pytest.mark.parametrize("given", RFC_8032)
def test_signatures_are_those_of_rfc_8032(given):
    seed, public, message, signature = map(bytes.fromhex, given)
    assert Signer().public(seed) == public
    assert Signer().sign(seed, message) == signature
    assert Verifier().verify(public, message, signature)
    for place in range(0, 64, 7):
        for bit in (1, 128):
            wrong = bytearray(signature)
            wrong[place] ^= bit
            assert not Verifier().verify(public, message, bytes(wrong))
    assert not Verifier().verify(public, message + b"x", signature)
    s = int.from_bytes(signature[32:], "little") + L         # The same number, written otherwise.
    assert not Verifier().verify(public, message, signature[:32] + s.to_bytes(32, "little"))
    for short in (signature[:-1], signature + b"\0", b""):
        assert not Verifier().verify(public, message, short)
    assert not Verifier().verify(public[:-1], message, signature)


def test_signatures_are_the_librarys_and_one_signer_keeps_seeds_apart():
    ours, seeds = Signer(), [os.urandom(32) for _ in range(3)]
    for number in range(12):
        seed, message = seeds[number % 3], os.urandom(number * 40)
        signature = ours.sign(seed, message)
        assert signature == linux.Signatures().sign(seed, message)
        assert Verifier().verify(linux.Signatures.public(seed), message, signature)


def points_of_small_order():
    """All eight, by what is left of any point when its part of the base point's order is gone."""
    found, dice = set(), random.Random(8)
    while len(found) < 8:
        point = ed25519._decoded(dice.getrandbits(255).to_bytes(32, "little"))
        if point is not None:
            table = [ed25519._prepared(one) for one in ed25519._multiples(point, 16)]
            found.add(ed25519._encoded(ed25519._walked(table, ed25519._digits(L), 4)))
    return sorted(found)


def test_of_keys_and_points_that_say_nothing_it_thinks_as_the_library_does():
    """A key or R of small order, keys and points with a part of small order, other encodings."""
    small = points_of_small_order()
    assert len(small) == 8
    odd = [(y + P).to_bytes(32, "little") for y in range(19)] + [
        (y + P | 1 << 255).to_bytes(32, "little") for y in range(19)] + [
        (1 | 1 << 255).to_bytes(32, "little"), (P - 1 | 1 << 255).to_bytes(32, "little")]
    assert [ed25519._decoded(one) for one in odd] == [None] * len(odd), "one encoding each"
    seed, message = bytes(range(32)), b"said"
    good = Signer().sign(seed, message)
    public = Signer().public(seed)
    mixed = [ed25519._encoded(ed25519._added(
        ed25519._decoded(public), ed25519._prepared(ed25519._decoded(one)))) for one in small]
    pairs = [*product(small + odd, [good, *(one + bytes(32) for one in small + odd)]),
             *product([public, *mixed], [good, *(one + good[32:] for one in small + mixed)])]
    signed = [signed_under(key, seed, message, point) for key in mixed for point in small]
    verdicts = set()
    for key, signature in [*pairs, *signed]:
        ours = Verifier().verify(key, message, signature)
        assert ours == linux.Signatures().verify(key, message, signature), (key, signature)
        verdicts.add(ours)
    assert verdicts == {True, False}


def signed_under(key, seed, message, extra):
    """A signature that holds up to parts of small order: under a `key` that has one, R with one."""
    scalar = ed25519._keys_of(seed)[0]
    point = ed25519._encoded(ed25519._added(
        ed25519._times_base(7), ed25519._prepared(ed25519._decoded(extra))))
    said = int.from_bytes(hashlib.sha512(point + key + message).digest(), "little") % L
    return key, point + ((7 + said * scalar) % L).to_bytes(32, "little")


def test_of_any_other_bytes_it_thinks_as_the_library_does():
    dice = random.Random(25519)
    for _ in range(150):
        key, signature = dice.randbytes(32), dice.randbytes(63) + b"\x00"
        assert Verifier().verify(key, b"", signature) == (
            linux.Signatures().verify(key, b"", signature))


def test_agreement_is_that_of_rfc_7748():
    """5.2: two vectors, and the first of what is counted on from 9."""
    for scalar, point, wanted in (
            ("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
             "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
             "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"),
            ("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
             "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
             "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957")):
        assert Agreement().shared(bytes.fromhex(scalar), bytes.fromhex(point)).hex() == wanted
    nine = b"\x09" + bytes(31)
    assert Agreement().shared(nine, nine).hex() == (
        "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")


def test_agreement_is_the_librarys_and_refuses_what_leaves_no_secret():
    theirs = linux.Agreement()
    for _ in range(10):
        secret, other = os.urandom(32), os.urandom(32)
        assert Agreement().public(secret) == theirs.public(secret)
        assert Agreement().shared(secret, other) == theirs.shared(secret, other)
    for u in (0, 1, P - 1, P, P + 1, 1 << 255, (1 << 255) + 1):
        assert Agreement().shared(os.urandom(32), (u % (1 << 256)).to_bytes(32, "little")) is None
    assert Agreement().shared(os.urandom(32), b"\x09") is None
