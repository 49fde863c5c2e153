"""The native ChaCha20 of the boards, counted as viper counts (viper.py)."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tests.ports import viper
from wum_edge.ports.micropython import cipher


@pytest.fixture
def native(monkeypatch):
    return viper.run(monkeypatch, "chacha_viper.py")["xor"]


@pytest.mark.parametrize("counter", [0, 1, 0x7FFFFFFF, 0xFFFFFFFE])
def test_the_key_stream_is_that_of_the_library(native, counter):
    for size in (0, 1, 63, 64, 65, 127, 128, 200):
        key, nonce, data = os.urandom(32), os.urandom(12), os.urandom(size)
        starts = counter.to_bytes(4, "little")
        # The library counts on into the nonce; RFC 8439 has 32 bits, which go round.
        wanted = b"".join(
            Cipher(algorithms.ChaCha20(key, ((counter + at // 64) & 0xFFFFFFFF).to_bytes(
                4, "little") + nonce), None).encryptor().update(data[at:at + 64])
            for at in range(0, size, 64))
        mixed = bytearray(data)
        native(bytearray(b"expand 32-byte k" + key + starts + nonce), mixed)
        assert bytes(mixed) == wanted, size


def test_what_is_sealed_with_it_is_what_the_library_seals(native, monkeypatch):
    monkeypatch.setattr(cipher, "xor", native)
    for size in (0, 1, 16, 63, 64, 65, 300):
        key, nonce = os.urandom(32), os.urandom(12)
        plain, aad = os.urandom(size), os.urandom(size % 7)
        sealed = ChaCha20Poly1305(key).encrypt(nonce, plain, aad)
        assert cipher.Cipher().encrypt(key, nonce, plain, aad) == sealed
        assert cipher.Cipher().decrypt(key, nonce, sealed, aad) == plain
        wrong = sealed[:-1] + bytes([sealed[-1] ^ 1])
        assert cipher.Cipher().decrypt(key, nonce, wrong, aad) is None
