"""The envelope of an update: the one form of a SUIT manifest that WUM makes and accepts
(draft-ietf-suit-manifest-37), signed by up to four holders of a release key.

It names two components: `app`, the content (bundle.py), and `idx`, the hashes of its chunks. Left
out: every other command, parameter and extension, which are refused; whether the update is for
this device, allowed and newer (that is decided where it is offered). The normative text is
docs/update-envelope.md.
"""

from collections import namedtuple
from hashlib import sha256

from wum_shared import cbor, cose, fields
from wum_shared.cipher import Verifier
from wum_shared.errors import Malformed, NotGenuine, Unsupported
from wum_shared.ids import id_to_text

ENVELOPE_BYTES_MAX = 4096
SIGNERS_MAX = 4
SEQUENCE_MAX = 2**32 - 1
CONTENT_BYTES_MAX = 16 * 1024 * 1024
CHUNK_SIZE = 1024             # Of the content; the last one may be shorter.
CHUNK_HASH_SIZE = 16          # The first bytes of each chunk's SHA-256.
INTEGRATED_INDEX_MAX = 16 * CHUNK_HASH_SIZE     # A longer one travels as the content does: in a
                                                # mesh once for all, and not with each envelope.
_HASH_SIZE = 32
_UUID_SIZE = 16
_SHA256 = -16

_TAG = 107
_AUTHENTICATION, _MANIFEST = 2, 3
_INDEX_NAME = "#idx"
_APART = "cas:"
_VERSION, _SEQUENCE, _COMMON, _VALIDATE, _INVOKE, _INSTALL = 1, 2, 3, 7, 9, 20
_COMPONENTS, _SHARED = 2, 4
_APP, _IDX = [b"app"], [b"idx"]
# Commands, and the reporting policy that goes with conditions and directives (draft, 8.4.7).
_VENDOR_MATCHES, _CLASS_MATCHES, _IMAGE_MATCHES = 1, 2, 3
_SET_COMPONENT, _OVERRIDE, _FETCH, _INVOKE_IT = 12, 20, 21, 23
_ALWAYS, _FAILURE_ONLY = 15, 2
_VENDOR, _CLASS, _DIGEST, _SIZE, _URI = 1, 2, 3, 14, 21


class Release(namedtuple("Release", (
        "sequence", "vendor", "device_class", "digest", "size", "index_digest", "index_size",
        "index"))):
    """What an envelope says. `sequence` (1..2**32-1) counts the releases of a device class.

    vendor, device_class: UUIDs (16 bytes). digest: SHA-256 of the content, `size` its bytes.
    index_digest, index_size: of the hashes of its chunks; `index` those bytes themselves, None
    where they are too many to travel within the envelope.
    """

    __slots__ = ()
    sequence: int
    vendor: bytes
    device_class: bytes
    digest: bytes
    size: int
    index_digest: bytes
    index_size: int
    index: bytes | None


class Envelope(namedtuple("Envelope", ("release", "digest", "signatures"))):
    """An opened envelope: nothing in it is proven before `check_signers`.

    digest: the SUIT_Digest of the manifest, which is what is signed. signatures: detached
    COSE_Sign1, one each.
    """

    __slots__ = ()
    release: Release
    digest: bytes
    signatures: tuple[bytes, ...]


def encode(release: Release, signatures: tuple[bytes, ...] = ()) -> bytes:
    """The envelope; without signatures it is a draft that only the workbench takes."""
    manifest = _manifest(release)
    parts: dict[object, object] = {
        _AUTHENTICATION: cbor.encode([digest_of(release)] + list(signatures)), _MANIFEST: manifest}
    if release.index is not None:
        parts[_INDEX_NAME] = release.index
    return cbor.encode(cbor.Tag(_TAG, parts))


def index_size_of(size: int) -> int:
    """Bytes of the hashes of all chunks of a content of `size` bytes."""
    return (size + CHUNK_SIZE - 1) // CHUNK_SIZE * CHUNK_HASH_SIZE


def digest_of(release: Release) -> bytes:
    """The SUIT_Digest of its manifest: over the manifest as a byte string, header included."""
    return _digest(sha256(cbor.encode(_manifest(release))).digest())


def decode(envelope: bytes) -> Envelope:
    """What stands in an envelope. Raises Malformed, Unsupported, NotGenuine (a wrong digest)."""
    parts = _parts(envelope)
    manifest = _octets(parts[_MANIFEST], "manifest")
    release = _release(manifest, parts.get(_INDEX_NAME))
    digest, signatures = _authentication(_octets(parts[_AUTHENTICATION], "authentication"))
    if digest != _digest(sha256(cbor.encode(manifest)).digest()):
        raise NotGenuine("update envelope: the digest is not that of the manifest")
    return Envelope(release, digest, signatures)


def check_signers(
        verifier: Verifier, keys: dict[bytes, bytes], threshold: int, envelope: Envelope,
) -> tuple[bytes, ...]:
    """Who of `keys` (kid to public key, 32 bytes) signed; at least `threshold` must have.

    A signature of somebody unknown counts nothing; a wrong one under a known name, and two under
    one name, are refused. Raises Malformed, Unsupported, NotGenuine.
    """
    assert 1 <= threshold <= SIGNERS_MAX
    found: list[bytes] = []
    for signature in envelope.signatures:
        kid = cose.peek_detached(signature)
        if kid in found:
            raise NotGenuine("update envelope: %s signed twice" % id_to_text(kid))
        if kid in keys:
            cose.verify_detached(verifier, keys[kid], signature, envelope.digest)
            found.append(kid)
    # Two names may stand for one key: whoever holds one key is one signer.
    signers = len({keys[kid] for kid in found})
    if signers < threshold:
        raise NotGenuine("update envelope: wanted %d signers that are trusted, got %d" % (
            threshold, signers))
    return tuple(found)


def _parts(envelope: bytes) -> dict[object, object]:
    value = cbor.decode(envelope, depth=3, most_bytes=ENVELOPE_BYTES_MAX, tags=(_TAG,))
    if type(value) is not cbor.Tag:
        raise Malformed("update envelope: wanted tag %d, got %s" % (_TAG, fields.shown(value)))
    if type(value.value) is not dict:
        raise Malformed("update envelope: wanted a map, got %s" % fields.shown(value.value))
    return _keys(value.value, (_AUTHENTICATION, _MANIFEST), (_INDEX_NAME,), "update envelope")


def _authentication(encoded: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    what = "update envelope authentication"
    blocks = fields.items(cbor.decode(encoded, depth=1), 1 + SIGNERS_MAX, what, least=1)
    found = [_octets(block, what) for block in blocks]
    return found[0], tuple(found[1:])


def _release(manifest: bytes, index: object) -> Release:
    """What the manifest says, which must be to the byte what `_manifest` makes of it."""
    what = "update manifest"
    value = cbor.decode(manifest, depth=1)
    if type(value) is not dict:
        raise Malformed("%s: wanted a map, got %s" % (what, fields.shown(value)))
    parts = _keys(value, (_VERSION, _SEQUENCE, _COMMON, _VALIDATE, _INVOKE, _INSTALL), (), what)
    if fields.number(parts[_VERSION], 0, SEQUENCE_MAX, what + " version") != 1:
        raise Unsupported("%s: version %s, this side speaks 1" % (what, parts[_VERSION]))
    sequence = fields.number(parts[_SEQUENCE], 1, SEQUENCE_MAX, what + " sequence")
    app, idx = _parameters(_octets(parts[_COMMON], what + " common"))
    integrated = None if index is None else _octets(index, what + " integrated index")
    release = Release(
        sequence, _field(app, _VENDOR, _UUID_SIZE, "vendor"),
        _field(app, _CLASS, _UUID_SIZE, "device class"),
        _hash(app, "content"), _size(app, CONTENT_BYTES_MAX, "content"),
        _hash(idx, "index"), _size(idx, CONTENT_BYTES_MAX, "index"), integrated)
    if release.index_size != index_size_of(release.size):
        raise Malformed("%s index size: wanted %d for a content of %d bytes, got %d" % (
            what, index_size_of(release.size), release.size, release.index_size))
    if _manifest(release) != manifest:
        raise Unsupported("%s: commands other than those of the WUM subset" % what)
    if integrated is not None and (
            len(integrated) != release.index_size
            or sha256(integrated).digest() != release.index_digest):
        raise NotGenuine("%s: the integrated index is not the one that it names" % what)
    return release


def _parameters(common: bytes) -> tuple[dict[object, object], dict[object, object]]:
    """The parameters of the content and of the index, wherever they ought to stand."""
    what = "update manifest common"
    value = cbor.decode(common, depth=3)
    if type(value) is not dict:
        raise Malformed("%s: wanted a map, got %s" % (what, fields.shown(value)))
    parts = _keys(value, (_COMPONENTS, _SHARED), (), what)
    if parts[_COMPONENTS] != [_APP, _IDX]:
        raise Unsupported("%s: wanted the components app and idx" % what)
    commands = cbor.decode(_octets(parts[_SHARED], what), depth=2)
    if type(commands) is not list or len(commands) != 12:
        raise Unsupported("%s: commands other than those of the WUM subset" % what)
    app, idx = commands[3], commands[11]
    if type(app) is not dict or type(idx) is not dict:
        raise Unsupported("%s: commands other than those of the WUM subset" % what)
    return (_keys(app, (_VENDOR, _CLASS, _DIGEST, _SIZE), (), what),
            _keys(idx, (_DIGEST, _SIZE), (), what))


def _manifest(release: Release) -> bytes:
    """draft, 8.4: what an update is made of, how it is fetched, checked and started."""
    shared = [
        _SET_COMPONENT, 0,
        _OVERRIDE, {_VENDOR: release.vendor, _CLASS: release.device_class,
                    _DIGEST: _digest(release.digest), _SIZE: release.size},
        _VENDOR_MATCHES, _ALWAYS, _CLASS_MATCHES, _ALWAYS,
        _SET_COMPONENT, 1,
        _OVERRIDE, {_DIGEST: _digest(release.index_digest), _SIZE: release.index_size}]
    common = {_COMPONENTS: [_APP, _IDX], _SHARED: cbor.encode(shared)}
    index_uri = _APART if release.index is None else _INDEX_NAME
    install = _fetched(1, index_uri) + _fetched(0, _APART)
    return cbor.encode({
        _VERSION: 1, _SEQUENCE: release.sequence, _COMMON: cbor.encode(common),
        _VALIDATE: cbor.encode([_SET_COMPONENT, 0, _IMAGE_MATCHES, _ALWAYS]),
        _INVOKE: cbor.encode([_SET_COMPONENT, 0, _INVOKE_IT, _FAILURE_ONLY]),
        _INSTALL: cbor.encode(install)})


def _fetched(component: int, uri: str) -> list[object]:
    return [_SET_COMPONENT, component, _OVERRIDE, {_URI: uri}, _FETCH, _FAILURE_ONLY,
            _IMAGE_MATCHES, _ALWAYS]


def _digest(of: bytes) -> bytes:
    """SUIT_Digest (draft, 10)."""
    return cbor.encode([_SHA256, of])


def _hash(parameters: dict[object, object], what: str) -> bytes:
    """The SHA-256 that a SUIT_Digest holds."""
    what = "update manifest %s digest" % what
    algorithm, value = fields.record(cbor.decode(_octets(parameters[_DIGEST], what), depth=1),
                                     2, what)
    if type(algorithm) is not int or algorithm != _SHA256:
        raise Unsupported("%s: wanted algorithm %d, got %s" % (
            what, _SHA256, fields.shown(algorithm)))
    return fields.octets(value, _HASH_SIZE, what)


def _size(parameters: dict[object, object], most: int, what: str) -> int:
    return fields.number(parameters[_SIZE], 1, most, "update manifest %s size" % what)


def _field(parameters: dict[object, object], label: int, size: int, what: str) -> bytes:
    return fields.octets(parameters[label], size, "update manifest " + what)


def _octets(value: object, what: str) -> bytes:
    if type(value) is not bytes:
        raise Malformed("%s: wanted bytes, got %s" % (what, fields.shown(value)))
    return value


def _keys(
        parts: dict[object, object], wanted: tuple[int, ...], possible: tuple[str, ...],
        what: str,
) -> dict[object, object]:
    """`parts`, in which all of `wanted` stand and nothing besides but the `possible`."""
    for key in parts:
        if key not in wanted and key not in possible:
            raise Unsupported("%s: key %s" % (what, fields.shown(key)))
    for key in wanted:
        if key not in parts:
            raise Malformed("%s: key %d is missing" % (what, key))
    return parts
