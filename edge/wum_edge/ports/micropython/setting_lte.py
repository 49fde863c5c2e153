"""An LTE modem as somebody types it on the serial console: what is asked for, and what is refused.

What comes of it is what `wum-firmware board --lte ... --apn ...` would write. Loaded when it is
asked for. Left out: the console (setting_up.py), the modem (lte.py).
"""

APN_MAX = 100
_PIN_LEAST, _PIN_MOST = 4, 8
_DIGITS = "0123456789"
_OF_A_NAME = "abcdefghijklmnopqrstuvwxyz0123456789.-"


def is_over(answers):
    """Whether the rest is not asked for: without a modem nothing is, without a user no key."""
    return answers == [""] or len(answers) == 7 and not answers[6]


def setting(answers, taken):
    """The entry of board.json for a modem; None for a board without one. `taken`: who has a UART,
    by its number. Raises ValueError for what is none.
    """
    if answers == [""]:
        return None
    uart, tx, rx, baud, apn, pin, user = answers[:7]
    number = _number("the modem's UART", uart)
    if number in taken:
        raise ValueError("UART %d is %s" % (number, taken[number]))
    found = {"uart": number}
    if bool(tx) != bool(rx):
        raise ValueError("tx and rx: wanted both pins, or none, got %s and %s" % (
            tx or "none", rx or "none"))
    for name, text in (("tx", tx), ("rx", rx), ("baud", baud)):
        if text:
            found[name] = _number(name, text)
    if not 0 < len(apn) <= APN_MAX or _other(apn.lower(), _OF_A_NAME):
        raise ValueError("access point: wanted the name that is in the contract, got %s" % (
            apn or "none"))
    found["apn"] = apn
    if pin:
        if not _PIN_LEAST <= len(pin) <= _PIN_MOST or _other(pin, _DIGITS):
            raise ValueError("PIN: wanted 4 to 8 digits, got %d characters" % len(pin))
        found["pin"] = pin
    if user:
        found["user"], found["key"] = user, answers[7]
    return found


def _number(name, text):
    """Raises ValueError."""
    if not text or _other(text, _DIGITS) or len(text) > len("4000000"):
        raise ValueError("%s: wanted a number, got %s" % (name, text or "none"))
    return int(text)


def _other(text, known):
    """Whether it has more than these characters."""
    return bool([one for one in text if one not in known])
