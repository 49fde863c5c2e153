"""Codes of the second factor: TOTP (RFC 6238) with SHA-1, six digits, thirty seconds.

Every application that people have takes these and few take others. Left out: the database.
The secret is sealed with WUM_KEY_FILE: whoever copies the database has no code.
"""

import time

import pyotp
import segno

from wum_cloud.registry.keys import Vault

ISSUER = "WUM"
STEP_S = 30
_DRIFT_STEPS = 1    # A telephone's clock may be off by so many steps either way.
_DIGITS = 6


def new_secret() -> str:
    """160 random bits in base32, as applications take them by hand."""
    return pyotp.random_base32()


def step_of(secret: str, code: str, now_s: float | None = None) -> int | None:
    """The step whose code this is, of those that are near enough; None for a wrong code."""
    typed = code.replace(" ", "")
    if len(typed) != _DIGITS or not typed.isdecimal() or not typed.isascii():
        return None
    totp = pyotp.TOTP(secret, digits=_DIGITS, interval=STEP_S)
    present = int(time.time() if now_s is None else now_s) // STEP_S
    found = None
    for step in range(present - _DRIFT_STEPS, present + _DRIFT_STEPS + 1):
        if pyotp.utils.strings_equal(typed, totp.generate_otp(step)):
            found = step
    return found


def address_of(secret: str, name: str) -> str:
    """What an application reads from the picture."""
    return str(pyotp.TOTP(secret, digits=_DIGITS, interval=STEP_S).provisioning_uri(
        name=name, issuer_name=ISSUER))


def picture_of(address: str) -> str:
    """The address as a QR code: a data address of an SVG."""
    return str(segno.make(address, error="m").svg_data_uri(scale=4, border=2, light="white"))


def seal(vault: Vault, account_id: int, secret: str) -> bytes:
    """The secret as the database keeps it."""
    return vault.seal_text(_place(account_id), secret)


def opened(vault: Vault, account_id: int, sealed: bytes) -> str:
    """The secret again. Raises KeyFileError when it was sealed with another key."""
    return vault.open_text(_place(account_id), sealed)


def _place(account_id: int) -> str:
    return "second factor of account %d" % account_id
