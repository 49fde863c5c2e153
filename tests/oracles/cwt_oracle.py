"""cwt 3.3.0, somebody else's COSE, opens what we seal and sign, and the reverse.

It runs in an environment of its own (cwt-requirements.txt): python tests/oracles/cwt_oracle.py.
cwt looks for the IV in the unprotected header, which our profile keeps empty: the harness puts the
derived nonce there before cwt opens, and takes cwt's away before we open.
"""

import sys

from cwt import COSE, COSEKey, DecodeError, EncodeError, VerifyError
from cwt.cose_key_interface import COSEKeyInterface
from nacl import bindings
from promises import refused, run

from tests.shared.cpython.sodium import Sodium
from tests.shared.examples import ACKNOWLEDGEMENT, BATCH, REGISTRATION, SCHEMA
from wum_shared import cbor, cose
from wum_shared.batch import encode_batch
from wum_shared.errors import NotGenuine, Unsupported
from wum_shared.messages import (
    DirectionKey,
    encode_acknowledgement,
    encode_registration,
    encode_schema,
)

KEY = DirectionKey(bytes(range(32)), bytes(range(0x40, 0x4C)))
KID = cose.key_id(b"\x01\x02\x03\x04\x05\x06\x07\x08", 0)
COUNTERS = (0, 1, 255, 256, 2**24, 2**40, 2**64 - 1)
STREAMS = (("up", "batch", encode_batch(BATCH)), ("up", "schema", encode_schema(SCHEMA)),
           ("down", "ack", encode_acknowledgement(ACKNOWLEDGEMENT)))
SEED = bytes(range(100, 132))
PUBLIC_KEY = bindings.crypto_sign_seed_keypair(SEED)[0]


def symmetric_key() -> COSEKeyInterface:
    return COSEKey.from_symmetric_key(KEY.key, alg=24, kid=KID)


def signing_key(private: dict[int, bytes] | None = None) -> COSEKeyInterface:
    """A COSE_Key of kty OKP (1), alg Ed25519 (-19), crv Ed25519 (-1: 6)."""
    return COSEKey.new({1: 1, 2: b"cabinet1", 3: -19, -1: 6, -2: PUBLIC_KEY} | (private or {}))


def xor_counter(twelve_bytes: bytes, counter: int) -> bytes:
    """The nonce of a context IV, or the context IV of a nonce: written here a second time."""
    number = int.from_bytes(twelve_bytes, "big") ^ counter
    return number.to_bytes(12, "big")


def with_iv(sealed: bytes, nonce: bytes) -> bytes:
    protected, unprotected, ciphertext = cbor.decode(sealed, tags=(16,)).value
    assert unprotected == {}
    return cbor.encode(cbor.Tag(16, [protected, {5: nonce}, ciphertext]))


def opened_by_cwt(sealed: bytes, counter: int, direction: str, stream: str) -> bytes:
    return COSE.new().decode(
        with_iv(sealed, xor_counter(KEY.context_iv, counter)), symmetric_key(),
        external_aad=cbor.encode(["wum0", direction, "default", stream]))


def test_cwt_opens_what_we_seal():
    for direction, stream, plaintext in STREAMS:
        for counter in COUNTERS:
            sealed = cose.seal(Sodium(), KEY, KID, counter, plaintext, direction, "default", stream)
            assert opened_by_cwt(sealed, counter, direction, stream) == plaintext


def test_cwt_refuses_what_we_seal_for_another_direction_stream_or_counter():
    sealed = cose.seal(Sodium(), KEY, KID, 5, b"reading", "up", "default", "batch")
    assert opened_by_cwt(sealed, 5, "up", "batch") == b"reading"
    for counter, direction, stream in ((5, "down", "batch"), (5, "up", "ack"), (6, "up", "batch")):
        assert refused(lambda c=counter, d=direction, s=stream: opened_by_cwt(sealed, c, d, s),
                       DecodeError)


def sealed_by_cwt(counter: int, plaintext: bytes) -> tuple[DirectionKey, bytes]:
    """cwt seals with a nonce of its own making; our context IV is made to fit, its IV taken out."""
    size = max(1, (counter.bit_length() + 7) // 8)
    made = COSE.new().encode(
        plaintext, symmetric_key(),
        protected={1: 24, 4: KID, 6: counter.to_bytes(size, "big")}, unprotected={},
        external_aad=cbor.encode(["wum0", "up", "default", "batch"]))
    protected, unprotected, ciphertext = cbor.decode(made, tags=(16,)).value
    assert list(unprotected) == [5]
    key = DirectionKey(KEY.key, xor_counter(unprotected[5], counter))
    return key, cbor.encode(cbor.Tag(16, [protected, {}, ciphertext]))


def test_we_open_what_cwt_seals():
    for counter in COUNTERS:
        key, sealed = sealed_by_cwt(counter, b"42 Wh")
        assert cose.peek(sealed) == (KID[:8], 0, counter)
        assert cose.unseal(Sodium(), key, sealed, "up", "default", "batch") == b"42 Wh"
        assert refused(lambda key=key, sealed=sealed: cose.unseal(
            Sodium(), key, sealed, "down", "default", "batch"), NotGenuine)


def test_we_refuse_the_iv_that_cwt_puts_into_the_unprotected_header():
    sealed = cose.seal(Sodium(), KEY, KID, 5, b"reading", "up", "default", "batch")
    assert refused(lambda: cose.peek(with_iv(sealed, bytes(12))), Unsupported)


def test_cwt_verifies_what_we_sign():
    payload = encode_registration(REGISTRATION)
    signed = cose.sign(Sodium(), SEED, b"cabinet1", payload)
    assert COSE.new().decode(signed, signing_key()) == payload
    damaged = signed[:-1] + bytes([signed[-1] ^ 1])
    assert refused(lambda: COSE.new().decode(damaged, signing_key()), VerifyError)


def test_we_verify_what_cwt_signs():
    signed = COSE.new().encode(
        b"payload", signing_key({-4: SEED}), protected={1: -19, 4: b"cabinet1"}, unprotected={})
    assert cose.verify(Sodium(), PUBLIC_KEY, signed) == b"payload"
    assert signed == cose.sign(Sodium(), SEED, b"cabinet1", b"payload")


def test_we_refuse_what_cwt_accepts():
    """cwt takes an algorithm that stands unprotected only: the reason for a profile of our own."""
    signed = COSE.new().encode(
        b"payload", signing_key({-4: SEED}), protected={}, unprotected={1: -19, 4: b"cabinet1"})
    assert COSE.new().decode(signed, signing_key()) == b"payload"
    assert refused(lambda: cose.verify(Sodium(), PUBLIC_KEY, signed), Unsupported)


def test_cwt_will_not_encode_both_ivs():
    """The premise of sealed_by_cwt: a nonce cannot be handed in beside a Partial IV."""
    assert refused(lambda: COSE.new().encode(
        b"x", symmetric_key(), protected={1: 24, 4: KID, 6: b"\x01"},
        unprotected={5: bytes(12)}), EncodeError, ValueError)


if __name__ == "__main__":
    sys.exit(run(dict(globals())))
