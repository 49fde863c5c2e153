"""Passwords: Argon2id (RFC 9106) by libsodium, away from the event loop. Random secrets."""

import asyncio
import secrets
from base64 import b64encode
from hashlib import sha256

from nacl import exceptions, pwhash

PASSWORD_MIN = 12    # Characters of a password that a person chooses (NIST SP 800-63B asks 8).
PASSWORD_MAX = 256  # Characters; longer ones are refused before they cost anything.
_SECRET_BYTES = 24
_DIGEST_BYTES = 32  # Of Argon2id, as libsodium's text of a hash has it.


def new_secret() -> str:
    """A random text of 192 bits, for first passwords, sessions and tokens."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def hash_of_secret(secret: str) -> bytes:
    """What the database keeps of a random secret. Passwords that people choose need Argon2id."""
    return sha256(secret.encode()).digest()


async def hash_password(password: str) -> str:
    """What the database keeps of a password."""
    raw = await asyncio.to_thread(pwhash.argon2id.str, password.encode())
    return raw.decode()


async def is_password(kept: str, password: str) -> bool:
    """Whether `password` is the one that `kept` was made from."""
    if len(password) > PASSWORD_MAX:
        return False

    def check() -> bool:
        try:
            return bool(pwhash.verify(kept.encode(), password.encode()))
        except exceptions.InvalidkeyError:
            return False
    return await asyncio.to_thread(check)


def _hash_of_nothing() -> str:
    """The form of a hash without having made one: no password is found that fits it."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=")
                    for size in (pwhash.argon2id.SALTBYTES, _DIGEST_BYTES))
    cost = (pwhash.argon2id.MEMLIMIT_INTERACTIVE // 1024, pwhash.argon2id.OPSLIMIT_INTERACTIVE)
    return "$argon2id$v=19$m=%d,t=%d,p=1$%s$%s" % (*cost, salt, digest)


# Checked when there is no such account, so that both refusals take the same time. Not hashed: a
# tenth of a second of processor in every process that knows of people.
NOBODYS_HASH = _hash_of_nothing()
