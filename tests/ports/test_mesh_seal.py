"""The mesh's AES-CCM against the cryptography package's, which the simulator uses."""

import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from wum_edge.mesh.ccm import NONCE_SIZE, Aes, Ccm
from wum_simulator.radio.seal import FastCcm

KEY = bytes(range(16))


class LibraryAes(Aes):
    def blocks(self, plain: bytes) -> bytes:
        encryptor = Cipher(algorithms.AES(KEY), modes.ECB()).encryptor()
        return encryptor.update(plain) + encryptor.finalize()


def test_each_opens_what_the_other_sealed():
    ours, theirs = Ccm(LibraryAes()), FastCcm(KEY)
    for size in (*range(34), 239):
        nonce, plain, aad = os.urandom(NONCE_SIZE), os.urandom(size), os.urandom(1 + size % 20)
        sealed = theirs.seal(nonce, plain, aad)
        assert ours.seal(nonce, plain, aad) == sealed
        assert ours.open(nonce, sealed, aad) == plain
        assert theirs.open(nonce, sealed[:-1] + bytes((sealed[-1] ^ 1,)), aad) is None
