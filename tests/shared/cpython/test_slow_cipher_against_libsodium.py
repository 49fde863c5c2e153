"""The tests' own ChaCha20/Poly1305 and libsodium's seal the same bytes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shared.cpython.sodium import Sodium
from tests.shared.slow_cipher import SlowCipher

KEYS = st.binary(min_size=32, max_size=32)
NONCES = st.binary(min_size=12, max_size=12)


@settings(max_examples=60, deadline=None)
@given(KEYS, NONCES, st.binary(max_size=300), st.binary(max_size=100))
def test_both_seal_the_same_bytes_and_open_each_others(key, nonce, plaintext, aad):
    sealed = SlowCipher().encrypt(key, nonce, plaintext, aad)
    assert sealed == Sodium().encrypt(key, nonce, plaintext, aad)
    assert SlowCipher().decrypt(key, nonce, sealed, aad) == plaintext
    assert Sodium().decrypt(key, nonce, sealed, aad) == plaintext


@settings(max_examples=30, deadline=None)
@given(KEYS, NONCES, st.binary(max_size=100), st.integers(0, 10**6))
def test_both_refuse_the_same_damage(key, nonce, plaintext, place):
    sealed = bytearray(Sodium().encrypt(key, nonce, plaintext, b"aad"))
    sealed[place // 8 % len(sealed)] ^= 1 << place % 8
    assert SlowCipher().decrypt(key, nonce, bytes(sealed), b"aad") is None
    assert Sodium().decrypt(key, nonce, bytes(sealed), b"aad") is None
