"""The native GHASH of the boards, counted as viper counts (viper.py), in the GCM that it makes."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.ports import viper
from wum_edge.ports.micropython import ghash_plain


@pytest.fixture
def native(monkeypatch):
    return viper.run(monkeypatch, "ghash_viper.py")


def _sealed(module, key, nonce, plain, aad):
    """GCM as aes.py puts it together."""
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    h = block.update(bytes(16))
    stream = b"".join(block.update(nonce + number.to_bytes(4, "big"))
                      for number in range(1, 2 + -(-len(plain) // 16)))
    sealed = bytearray(plain)
    module["mix"](sealed, bytearray(stream), 16)
    tag = bytearray(module["ghash"](h, aad, sealed))
    module["mix"](tag, bytearray(stream), 0)
    return bytes(sealed + tag)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 31, 32, 200])
def test_what_is_sealed_with_it_is_what_the_library_seals(native, size):
    for extra in (0, 1, 16, 17, 33):
        key, nonce = os.urandom(16), os.urandom(12)
        plain, aad = os.urandom(size), os.urandom(extra)
        wanted = AESGCM(key).encrypt(nonce, plain, aad)
        assert _sealed(native, key, nonce, plain, aad) == wanted, extra
        assert _sealed(vars(ghash_plain), key, nonce, plain, aad) == wanted, extra


def test_every_bit_of_the_key_and_of_a_block_counts(native):
    for bit in range(128):
        one = (1 << bit).to_bytes(16, "big")
        for h, data in ((one, b"\xa5" * 16), (b"\x5a" * 16, one)):
            assert bytes(native["ghash"](h, b"", data)) == ghash_plain.ghash(h, b"", data), bit
