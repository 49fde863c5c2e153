"""Addresses of data sets as six-byte OBIS codes, by rule.

Left out: what a model's catalogue entry says otherwise (entry.py). IEC 62056-61 (EDIS), 5: groups
A, B, E and F may be left out; C and F in front of the first point stand for general and error
codes, L and P for lists and profiles.
"""

_LETTERS = {"C": 96, "F": 97, "L": 98, "P": 99}
_NOT_USED = 255


def obis_of(address: str, channel: int = 0) -> bytes | None:
    """The code that `address` means: 1.8.0, 1-0:1.8.0*255, C.1.0, F.F, 1.8.0*01, 1.8.0.01, 6.8.
    None for a text that is no OBIS code.

    Without A the medium is electricity (1), or abstract (0) from C = 96 on; without B it is
    `channel`. Without E it is 0, the total; without F 255, the value now. `&` before F says that
    the billing period was ended by hand: the code is the same.
    """
    front, colon, rest = address.partition(":")
    a, b = None, None
    if colon:
        medium, dash, given = front.partition("-")
        a = _number(medium)
        b = _number(given) if dash else channel
        if a is None or b is None:
            return None
    else:
        rest = address
    quantity, star, f_text = rest.replace("*&", "*").replace("&", "*").partition("*")
    parts = quantity.split(".")
    if not star and len(parts) == 4:
        f_text = parts.pop()
        star = "."
    f = _number(f_text) if star else _NOT_USED
    if not 2 <= len(parts) <= 3 or f is None:
        return None
    groups = [_group(part) for part in parts]
    c, d, e = groups[0], groups[1], groups[2] if len(groups) == 3 else 0
    if c is None or d is None or e is None:
        return None
    if a is None or b is None:
        a, b = (0 if c >= 96 else 1), channel
    return bytes([a, b, c, d, e, f])


def _group(text: str) -> int | None:
    return _LETTERS.get(text, _number(text))


def _number(text: str) -> int | None:
    plain = 1 <= len(text) <= 3 and all("0" <= c <= "9" for c in text)
    return int(text) if plain and int(text) <= 255 else None
