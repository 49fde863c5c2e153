"""SHA-512, Ed25519 and X25519 on the board: Wycheproof's vectors, all of them, and the host's own.

Each vector is a turn of its own: garbage is collected between two turns only.
"""

import json
from binascii import unhexlify

from wum_edge.ports.micropython import ed25519, sha512_plain
from wum_edge.ports.micropython.ed25519 import Signer, Verifier
from wum_edge.ports.micropython.x25519 import Agreement


def check_sha_512_of_the_board_is_what_the_host_makes():
    for data, made in _given("sha512"):
        assert sha512_plain.sha512(data) == ed25519.sha512(data) == made, len(data)
    assert ed25519.sha512 is not sha512_plain.sha512, "it is compared with itself"


def each_signature_of_wycheproof():
    for key, said, signature, holds in _given("verify"):
        assert Verifier().verify(key, said, signature) is bool(holds), signature
        yield


def each_agreement_of_wycheproof():
    agreement = Agreement()
    for secret, key, shared, must in _given("agree"):
        found = agreement.shared(secret, key)
        if must:
            assert found == (shared if shared != bytes(32) else None), key
        else:
            assert found in (shared, None) and found != bytes(32), key
        yield


def each_signature_that_the_host_made():
    signer = Signer()
    for seed, public, said, signature in _given("sign"):
        assert signer.public(seed) == public
        yield
        assert signer.sign(seed, said) == signature
        yield
    for secret, public in _given("public"):
        assert Agreement().public(secret) == public
        yield


def _given(name):
    with open("/vectors.json") as file:
        found = json.load(file)[name]
    assert len(found) >= 4
    for one in found:
        yield [unhexlify(text) for text in one]
