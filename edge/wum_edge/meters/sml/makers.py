"""What single makers' SML meters do otherwise than the standard says, and which meters those are.

Left out: everything else about values (message.py). DZG's DVS74 of the first years says a power of
32768..65535 hundredths of a watt as a signed integer of two bytes, which reads as a negative one
(53 80 25 for 328.05 W); real negative ones it says in four bytes. Which numbers those are was found
by the authors of libsml (volkszaehler/libsml, sml_list.c; recordings in devZer0/libsml-testing).
"""

_DZG = bytes((0x0A, 0x01)) + b"DZG"
_NUMBER_AT, _ID_SIZE = 5, 10
_NUMBERS = ((42000000, 48999999), (55000000, 58999999))


def powers_lack_sign(server: bytes | None) -> bool:
    """Whether the meter with that server id is one whose narrow integers have no sign."""
    if server is None or len(server) != _ID_SIZE or server[:_NUMBER_AT] != _DZG:
        return False
    number = int.from_bytes(server[_NUMBER_AT:], "big")
    return any(first <= number <= last for first, last in _NUMBERS)
