"""A cipher made of SHA-256, for tests that are about what is sealed and not about the seal.

It keeps the promise of an AEAD: another key, nonce, byte or name on the outside is noticed. It is
none that anybody may use: nobody has looked at it. slow_cipher.py is the one of the contract, in
plain Python, which on MicroPython takes most of the time of a test that seals thousands of records.
"""

from hashlib import sha256
from struct import pack

from wum_shared.cipher import Cipher

_BLOCK = 32


class QuickCipher(Cipher):
    """Keys of 32 bytes, nonces of 12, a tag of 16: as AEAD_CHACHA20_POLY1305 has them."""

    def encrypt(self, key, nonce, plaintext, aad):
        """Ciphertext, then the tag of 16 bytes."""
        ciphertext = _mixed(key, nonce, plaintext)
        return ciphertext + _tag(key, nonce, ciphertext, aad)

    def decrypt(self, key, nonce, ciphertext, aad):
        """The plaintext, or None when the tag does not hold."""
        body, tag = ciphertext[:-16], ciphertext[-16:]
        if len(ciphertext) < 16 or _tag(key, nonce, body, aad) != tag:
            return None
        return _mixed(key, nonce, body)


def _mixed(key, nonce, data):
    """`data` XOR a stream that only this key and nonce give."""
    assert (len(key), len(nonce)) == (32, 12)
    blocks = [sha256(b"stream" + key + nonce + pack("<I", at)).digest()
              for at in range(-(-len(data) // _BLOCK))]
    stream = int.from_bytes(b"".join(blocks)[:len(data)], "little")
    return (int.from_bytes(data, "little") ^ stream).to_bytes(len(data), "little")


def _tag(key, nonce, ciphertext, aad):
    return sha256(b"tag" + key + nonce + pack("<I", len(aad)) + aad + ciphertext).digest()[:16]
