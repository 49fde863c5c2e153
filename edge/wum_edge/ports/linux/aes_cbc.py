"""AES-CBC for M-Bus meters that encrypt their records, by the cryptography package."""

from wum_edge.meters.mbus import cipher


class AesCbc(cipher.AesCbc):
    """AES-128 in CBC (SP 800-38A)."""

    def open(self, key: bytes, vector: bytes, data: bytes) -> bytes:
        """See cipher.AesCbc."""
        # Late: its library takes 9 MB, and most concentrators have no such meter.
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
        opening = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
        return opening.update(data) + opening.finalize()


def install() -> None:
    """From now on; loads nothing yet."""
    cipher.install(AesCbc())
