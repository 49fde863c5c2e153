"""Identifiers: their form, and how they are made. No key material here."""

from binascii import hexlify, unhexlify
from hashlib import sha256

from wum_shared.errors import Malformed
from wum_shared.fields import shown

CONCENTRATOR_SIZE = 8
INCARNATION_SIZE = 8
SCHEMA_SIZE = 8
DIGEST_SIZE = 16
TEXT_MAX = 64
_HEX = "0123456789abcdef"


def concentrator_id(identity_key: bytes) -> bytes:
    """Id of the concentrator that holds the private half of `identity_key` (32 bytes, Ed25519)."""
    assert len(identity_key) == 32
    return sha256(identity_key).digest()[:CONCENTRATOR_SIZE]


def schema_id(encoded_schema: bytes) -> bytes:
    """Name of a schema: the same content has the same name everywhere."""
    return sha256(encoded_schema).digest()[:SCHEMA_SIZE]


def batch_digest(opened_batch: bytes) -> bytes:
    """What an acknowledgement repeats to show which batch it speaks of."""
    return sha256(opened_batch).digest()[:DIGEST_SIZE]


def id_to_text(identifier: bytes) -> str:
    """Lower-case hexadecimal, as people and topics write it."""
    return hexlify(identifier).decode()


def id_from_text(text: str, size: int = CONCENTRATOR_SIZE) -> bytes:
    """The bytes of an id written by `id_to_text`. Raises Malformed."""
    if len(text) != 2 * size or any(c not in _HEX for c in text):
        raise Malformed("id: wanted %d lower-case hexadecimal digits, got %s" % (
            2 * size, shown(text)))
    return unhexlify(text)


def checked_text(text: object, what: str) -> str:
    """`text` when it may stand in an id-text field: 1..64 printable ASCII, no space, no / + #.

    Raises Malformed naming `what`.
    """
    if type(text) is not str or not 1 <= len(text) <= TEXT_MAX:
        raise Malformed("%s: wanted a text of 1..%d characters, got %s" % (
            what, TEXT_MAX, shown(text)))
    for c in text:
        if not "!" <= c <= "~" or c in "/+#":
            raise Malformed("%s: %r may not hold %r" % (what, text, c))
    return text


def batch_name(incarnation: bytes, first_sequence: int, last_sequence: int) -> str:
    """How both ends call a batch of one concentrator in their logs."""
    return "%s/%d-%d" % (id_to_text(incarnation), first_sequence, last_sequence)
