"""Whose releases a fleet takes, and how that changes: documents, each signed by the root keys of
the one before and by its own (as the root role of theupdateframework.io does).

A machine comes with one (`release-trust.json`). A newer one takes its place only by the next
number, so that nobody can jump ahead, and whoever slept through several follows them one by one.
Left out: releases (suit.py), who brings the documents. docs/releases.md has the ceremony,
contract.cddl the layout.
"""

from collections import namedtuple
from hashlib import sha256

from wum_shared import cbor, cose, fields
from wum_shared.cipher import Verifier
from wum_shared.errors import Malformed, NotGenuine, Unsupported
from wum_shared.ids import id_from_text, id_to_text
from wum_shared.suit import SIGNERS_MAX

DOCUMENT_BYTES_MAX = 2048
KEYS_MAX = 5                  # Of each kind.
NUMBER_MAX = 2**32 - 1
_WHAT = "release trust"
_KIND = "wum-release-trust"   # What is signed begins with it, so that it is nothing else.
_NAME_MAX = 40
_KEY_SIZE = 32
_KID_SIZE = 8


class ReleaseTrust(namedtuple("ReleaseTrust", (
        "number", "device_class", "root_threshold", "roots", "threshold", "signers"))):
    """Document `number` for one device class (16 bytes): `threshold` of `signers` sign a release,
    `root_threshold` of `roots` the next document. Both are (name, public key), sorted by name;
    without roots it is never replaced but by hand, and the threshold is 0.
    """

    __slots__ = ()
    number: int
    device_class: bytes
    root_threshold: int
    roots: tuple[tuple[str, bytes], ...]
    threshold: int
    signers: tuple[tuple[str, bytes], ...]


class Document(namedtuple("Document", ("trust", "payload", "signatures"))):
    """An opened document: nothing in it is proven before `follow`."""

    __slots__ = ()
    trust: ReleaseTrust
    payload: bytes
    signatures: tuple[bytes, ...]


def key_id(key: bytes) -> bytes:
    """What a public key is called in signatures: made of it, so that no name stands for two."""
    return sha256(key).digest()[:_KID_SIZE]


def keys_of(named: tuple[tuple[str, bytes], ...]) -> dict[bytes, bytes]:
    """Public keys by their id."""
    return {key_id(key): key for _, key in named}


def payload_of(trust: ReleaseTrust) -> bytes:
    """What the root keys sign. Raises Malformed where no document may say so."""
    _check(trust)
    if not trust.roots:
        raise Malformed("%s: a document has root keys, or none could come after it" % _WHAT)
    return cbor.encode([_KIND, fields.VERSION, trust.number, trust.device_class,
                        trust.root_threshold, [list(one) for one in trust.roots],
                        trust.threshold, [list(one) for one in trust.signers]])


def encode(payload: bytes, signatures: tuple[bytes, ...] = ()) -> bytes:
    """The document; without signatures it is a draft."""
    return cbor.encode([payload, list(signatures)])


def decode(document: bytes) -> Document:
    """What stands in a document. Raises Malformed, Unsupported."""
    parts = fields.record(cbor.decode(document, depth=2, most_bytes=DOCUMENT_BYTES_MAX), 2, _WHAT)
    payload = fields.bounded(parts[0], DOCUMENT_BYTES_MAX, _WHAT)
    signatures = [fields.bounded(one, DOCUMENT_BYTES_MAX, _WHAT + " signature") for one in
                  fields.items(parts[1], 2 * SIGNERS_MAX, _WHAT + " signatures")]
    said = cbor.decode(payload, depth=3)
    if type(said) is not list or not said or said[0] != _KIND:
        raise Malformed("%s: wanted a document of that kind, got %s" % (_WHAT, fields.shown(said)))
    if len(said) > 1:
        fields.version(said[1], _WHAT)
    fields.record(said, 8, _WHAT)
    trust = ReleaseTrust(
        fields.number(said[2], 1, NUMBER_MAX, _WHAT + " number"),
        fields.octets(said[3], 16, _WHAT + " device class"),
        fields.number(said[4], 1, SIGNERS_MAX, _WHAT + " root threshold"),
        _named(said[5], "root keys"),
        fields.number(said[6], 1, SIGNERS_MAX, _WHAT + " threshold"),
        _named(said[7], "signers"))
    _check(trust)
    return Document(trust, payload, tuple(signatures))


def follow(verifier: Verifier, trust: ReleaseTrust, documents: list[bytes]) -> ReleaseTrust:
    """What holds at the end of a chain that goes on after `trust`; what it has already is passed
    over. Raises Malformed, Unsupported, NotGenuine.
    """
    for one in documents:
        document = decode(one)
        new = document.trust
        if new.number <= trust.number:
            continue
        if not trust.roots:
            raise Unsupported("%s: this machine came without root keys, so that its release keys "
                              "are changed by hand alone" % _WHAT)
        if new.device_class != trust.device_class:
            raise NotGenuine("%s: document %d is for another device class" % (_WHAT, new.number))
        if new.number != trust.number + 1:
            raise NotGenuine("%s: wanted document %d next, got %d: what is between them is missing"
                             % (_WHAT, trust.number + 1, new.number))
        check_roots(verifier, trust, document)
        check_roots(verifier, new, document)
        trust = new
    return trust


def check_roots(verifier: Verifier, trust: ReleaseTrust, document: Document) -> tuple[str, ...]:
    """Whose root keys of `trust` signed the document; as many as it asks for must have.

    A signature of somebody unknown counts nothing; a wrong one under a known name, and two under
    one name, are refused. Raises Malformed, Unsupported, NotGenuine.
    """
    names = {key_id(key): name for name, key in trust.roots}
    keys = keys_of(trust.roots)
    seen: list[bytes] = []
    found: list[str] = []
    for signature in document.signatures:
        kid = cose.peek_detached(signature)
        if kid in seen:
            raise NotGenuine("%s: %s signed twice" % (_WHAT, id_to_text(kid)))
        seen.append(kid)
        if kid in keys:
            cose.verify_detached(verifier, keys[kid], signature, document.payload)
            found.append(names[kid])
    if len(found) < trust.root_threshold:
        raise NotGenuine("%s: document %d: wanted %d root keys of document %d, got %d" % (
            _WHAT, document.trust.number, trust.root_threshold, trust.number, len(found)))
    return tuple(found)


def of_table(table: object, device_class: bytes) -> ReleaseTrust:
    """What a `release-trust.json` says, which was read already. Raises Malformed."""
    if type(table) is not dict:
        raise Malformed("%s: wanted an object, got %s" % (_WHAT, fields.shown(table)))
    root = table.get("root")
    if root is not None and type(root) is not dict:
        raise Malformed("%s: root: wanted an object, got %s" % (_WHAT, fields.shown(root)))
    trust = ReleaseTrust(
        fields.number(table.get("number", 1), 1, NUMBER_MAX, _WHAT + " number"), device_class,
        0 if root is None else fields.number(root.get("threshold"), 1, SIGNERS_MAX,
                                             _WHAT + " root threshold"),
        () if root is None else _texts(root.get("keys"), "root keys"),
        fields.number(table.get("threshold"), 1, SIGNERS_MAX, _WHAT + " threshold"),
        _texts(table.get("signers"), "signers"))
    _check(trust)
    return trust


def _texts(value: object, what: str) -> tuple[tuple[str, bytes], ...]:
    if type(value) is not dict:
        raise Malformed("%s %s: wanted names with their keys, got %s" % (
            _WHAT, what, fields.shown(value)))
    found = []
    for name in sorted(value):
        if type(value[name]) is not str:
            raise Malformed("%s %s: wanted 64 hexadecimal digits for %s" % (_WHAT, what, name))
        found.append((name, id_from_text(value[name], _KEY_SIZE)))
    return tuple(found)


def _named(value: object, what: str) -> tuple[tuple[str, bytes], ...]:
    what = "%s %s" % (_WHAT, what)
    found = []
    for one in fields.items(value, KEYS_MAX, what, least=1):
        name, key = fields.record(one, 2, what)
        found.append((fields.text(name, _NAME_MAX, what), fields.octets(key, _KEY_SIZE, what)))
    return tuple(found)


def _check(trust: ReleaseTrust) -> None:
    _check_keys(trust.signers, trust.threshold, "signers")
    if trust.roots:
        _check_keys(trust.roots, trust.root_threshold, "root keys")


def _check_keys(named: tuple[tuple[str, bytes], ...], threshold: int, what: str) -> None:
    what = "%s %s" % (_WHAT, what)
    if not 1 <= len(named) <= KEYS_MAX:
        raise Malformed("%s: wanted 1..%d, got %d" % (what, KEYS_MAX, len(named)))
    names = [name for name, _ in named]
    fields.unlike(list(names), what)
    fields.unlike([key for _, key in named], what)
    if names != sorted(names):
        raise Malformed("%s: wanted them by name" % what)
    if not 1 <= threshold <= min(len(named), SIGNERS_MAX):
        raise Malformed("%s: a threshold of %d cannot be met by %d" % (
            what, threshold, len(named)))
