"""A registration file, opened and checked: what `wum-firmware provision` signed.

Left out: files and the database. The signature shows that the identity in the file made it; that
the file is the right one is up to the person who brings it.
"""

from base64 import b64encode
from hashlib import pbkdf2_hmac

from wum_shared import cose
from wum_shared.cipher import Verifier
from wum_shared.errors import NotGenuine, WireError
from wum_shared.messages import Registration, decode_registration

_SALT_SIZE = 12               # Mosquitto's own (password_mosq.h, SALT_LEN).
# Mosquitto's default. The password is random and long, so that stretching adds nothing.
_ITERATIONS = 101


class RegistrationRefused(Exception):
    """The file is not a registration that this head-end accepts: a sentence that says why."""


def open_registration(signed: bytes, verifier: Verifier) -> Registration:
    """The registration in `signed`. Raises RegistrationRefused."""
    try:
        _, payload = cose.peek_signed(signed)
        registration = decode_registration(payload)
        cose.verify(verifier, registration.identity_key, signed)
    except NotGenuine as error:
        raise RegistrationRefused(
            "The registration's signature does not hold: it was changed after it was signed. "
            "Provision the concentrator again.") from error
    except WireError as error:
        raise RegistrationRefused("Not a registration file: %s." % error) from error
    return registration


def mosquitto_hash(password: str, salt: bytes) -> str:
    """`password` as a mosquitto password file keeps it: $7$, PBKDF2 with SHA-512."""
    assert len(salt) == _SALT_SIZE
    digest = pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return "$7$%d$%s$%s" % (
        _ITERATIONS, b64encode(salt).decode(), b64encode(digest).decode())
