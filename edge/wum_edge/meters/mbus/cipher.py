"""Opening the records of encrypted answers: mode 5, AES-128 in CBC.

Left out: AES itself (a port supplies it) and the other modes, which are refused by name. The mode
has no check of its own but two idle bytes at its beginning. EN 13757-7:2018, 7.6; OMS 2, 9.2.
"""

from wum_edge.meters.mbus.errors import Broken, Encrypted, WrongKey

MODE_CBC = 5
BLOCK = 16
_IDLE = b"\x2f\x2f"
_HEADER = 12


class AesCbc:
    """AES-128 in CBC, as a port supplies it."""

    def open(self, key: bytes, vector: bytes, data: bytes) -> bytes:
        """The plain text of whole blocks."""
        raise NotImplementedError


_installed: list[AesCbc] = []


def install(cipher: AesCbc) -> None:
    """From now on."""
    _installed[:] = [cipher]


def opened(data: bytes, signature: int, key: bytes) -> bytes:
    """The records of an answer whose long header begins `data`, opened with `key`.

    Raises Encrypted without a cipher, WrongKey, Broken.
    """
    if not _installed:
        raise Encrypted("M-Bus: this port supplies no cipher", MODE_CBC)
    end = _HEADER + BLOCK * (signature >> 4 & 15)
    if end > len(data):
        raise Broken("M-Bus: %d encrypted bytes are announced, there are %d" % (
            end - _HEADER, len(data) - _HEADER))
    # Maker, number, version, medium, as on the air; the access number eight times.
    vector = data[4:6] + data[:4] + data[6:8] + data[8:9] * 8
    plain = _installed[0].open(key, vector, data[_HEADER:end])
    if plain[:2] != _IDLE:
        raise WrongKey("M-Bus: opened with this key its records are none: is the key right?")
    return plain + data[end:]
