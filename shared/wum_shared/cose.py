"""Seal and sign: COSE_Encrypt0 and COSE_Sign1 (RFC 9052) in the one profile of contract.cddl.

Left out: every other algorithm and header, and all cryptography (cipher.py says what a port
supplies). What stands outside the profile is refused by name, before any key is touched.
"""

from wum_shared import cbor, fields
from wum_shared.cipher import Cipher, Signer, Verifier
from wum_shared.errors import Malformed, NotGenuine, Unsupported
from wum_shared.ids import CONCENTRATOR_SIZE, checked_text, id_to_text
from wum_shared.messages import DirectionKey

SEALED_BYTES_MAX = cbor.BYTES_MAX + 128   # Header, tag and lengths take up to 60 bytes.
SIGNED_BYTES_MAX = 20 * 1024              # An order with a configuration; a registration takes 400.
COUNTER_MAX = 2**64 - 1
KEY_ID_SIZE = CONCENTRATOR_SIZE + 2
SIGNER_ID_MAX = 32

_ENCRYPT0_TAG = 16
_SIGN1_TAG = 18
_ALG, _CRIT, _KID, _IV, _PARTIAL_IV = 1, 2, 4, 5, 6
_CHACHA20_POLY1305 = 24
_ED25519 = -19                            # RFC 9864; -8 leaves the curve open and is refused.
_NONCE_SIZE = 12
_TAG_SIZE = 16
_SIGNATURE_SIZE = 64
_HEADER_NAMES = {_ALG: "alg", _CRIT: "crit", 3: "content type", _KID: "kid", _IV: "IV",
                 _PARTIAL_IV: "Partial IV"}


def key_id(concentrator: bytes, epoch: int) -> bytes:
    """Name of a direction key: concentrator id (8 bytes) and epoch (0..65535)."""
    assert len(concentrator) == CONCENTRATOR_SIZE
    assert 0 <= epoch <= 0xFFFF
    return concentrator + epoch.to_bytes(2, "big")


def seal(
        cipher: Cipher, key: DirectionKey, kid: bytes, counter: int, plaintext: bytes,
        direction: str, tenant: str, stream: str,
) -> bytes:
    """`plaintext` sealed for one direction and stream.

    `counter` (0..2**64-1) must never have been used with `key` before: the nonce is made of
    it, and a nonce used twice gives both messages away.
    """
    assert len(kid) == KEY_ID_SIZE
    assert 0 <= counter <= COUNTER_MAX
    assert len(plaintext) <= cbor.BYTES_MAX
    partial_iv = _shortest(counter)
    protected = cbor.encode({_ALG: _CHACHA20_POLY1305, _KID: kid, _PARTIAL_IV: partial_iv})
    ciphertext = cipher.encrypt(
        key.key, _nonce(key.context_iv, partial_iv), plaintext,
        encryption_structure(protected, sealed_context(direction, tenant, stream)))
    return cbor.encode(cbor.Tag(_ENCRYPT0_TAG, [protected, {}, ciphertext]))


def peek(sealed: bytes) -> tuple[bytes, int, int]:
    """(concentrator id, epoch, message counter) that `sealed` claims: nothing is proven yet.

    Raises Malformed, Unsupported.
    """
    _, kid, partial_iv, _ = _open_envelope(sealed)
    epoch = int.from_bytes(kid[CONCENTRATOR_SIZE:], "big")
    return kid[:CONCENTRATOR_SIZE], epoch, int.from_bytes(partial_iv, "big")


def unseal(
        cipher: Cipher, key: DirectionKey, sealed: bytes, direction: str, tenant: str,
        stream: str,
) -> bytes:
    """What was sealed with `key` for this direction, tenant and stream.

    The caller has found `key` by `peek`. Raises Malformed, Unsupported, NotGenuine.
    """
    protected, kid, partial_iv, ciphertext = _open_envelope(sealed)
    plaintext = cipher.decrypt(
        key.key, _nonce(key.context_iv, partial_iv), ciphertext,
        encryption_structure(protected, sealed_context(direction, tenant, stream)))
    if plaintext is None:
        raise NotGenuine("sealed message: the seal does not hold under key %s" % id_to_text(kid))
    return plaintext


def sign(signer: Signer, seed: bytes, kid: bytes, payload: bytes) -> bytes:
    """`payload` signed by the identity of `seed` (32 bytes), named `kid` (1..32 bytes)."""
    assert len(seed) == 32
    assert 1 <= len(kid) <= SIGNER_ID_MAX
    protected = cbor.encode({_ALG: _ED25519, _KID: kid})
    signature = signer.sign(seed, signature_structure(protected, payload))
    return cbor.encode(cbor.Tag(_SIGN1_TAG, [protected, {}, payload, signature]))


def sign_detached(signer: Signer, seed: bytes, kid: bytes, payload: bytes) -> bytes:
    """A signature of `payload`, as `sign` makes it, that does not carry the payload."""
    assert len(seed) == 32
    assert 1 <= len(kid) <= SIGNER_ID_MAX
    protected = cbor.encode({_ALG: _ED25519, _KID: kid})
    signature = signer.sign(seed, signature_structure(protected, payload))
    return cbor.encode(cbor.Tag(_SIGN1_TAG, [protected, {}, None, signature]))


def peek_signed(signed: bytes) -> tuple[bytes, bytes]:
    """(kid, payload) that `signed` claims: nothing is proven yet. Raises Malformed, Unsupported."""
    _, kid, payload, _ = _open_signed(signed)
    return kid, _carried(payload)


def peek_detached(signature: bytes) -> bytes:
    """kid that a detached signature claims. Raises Malformed, Unsupported."""
    return _open_detached(signature)[1]


def verify(verifier: Verifier, public_key: bytes, signed: bytes) -> bytes:
    """The payload that the holder of `public_key` (32 bytes) signed.

    Raises Malformed, Unsupported, NotGenuine.
    """
    assert len(public_key) == 32
    protected, kid, carried, signature = _open_signed(signed)
    payload = _carried(carried)
    _check_signature(verifier, public_key, protected, kid, payload, signature)
    return payload


def verify_detached(verifier: Verifier, public_key: bytes, signed: bytes, payload: bytes) -> None:
    """Return when the holder of `public_key` (32 bytes) signed `payload`.

    Raises Malformed, Unsupported, NotGenuine.
    """
    assert len(public_key) == 32
    protected, kid, signature = _open_detached(signed)
    _check_signature(verifier, public_key, protected, kid, payload, signature)


def _check_signature(
        verifier: Verifier, public_key: bytes, protected: bytes, kid: bytes, payload: bytes,
        signature: bytes,
) -> None:
    if not verifier.verify(public_key, signature_structure(protected, payload), signature):
        raise NotGenuine("signed message: the signature of %s does not hold" % id_to_text(kid))


def _open_envelope(sealed: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """(protected header as bytes, key id, Partial IV, ciphertext) of a sealed message."""
    parts = _tagged(sealed, _ENCRYPT0_TAG, 3, SEALED_BYTES_MAX, "sealed message")
    protected, header = _header(parts, (_ALG, _KID, _PARTIAL_IV), "sealed message")
    _check_algorithm(header, _CHACHA20_POLY1305, "sealed message")
    kid = fields.octets(header[_KID], KEY_ID_SIZE, "sealed message kid")
    partial_iv = header[_PARTIAL_IV]
    if type(partial_iv) is not bytes or partial_iv != _shortest(
            int.from_bytes(partial_iv[:8], "big")):
        raise Malformed("sealed message Partial IV: wanted 1..8 bytes without a leading zero, "
                        "got %s" % fields.shown(partial_iv))
    ciphertext = parts[2]
    if type(ciphertext) is not bytes or len(ciphertext) < _TAG_SIZE:
        raise Malformed("sealed message ciphertext: wanted at least %d bytes, got %s" % (
            _TAG_SIZE, fields.shown(ciphertext)))
    return protected, kid, partial_iv, ciphertext


def _carried(payload: object) -> bytes:
    if type(payload) is not bytes:
        raise Malformed("signed message payload: wanted bytes, got %s" % fields.shown(payload))
    return payload


def _open_detached(signed: bytes) -> tuple[bytes, bytes, bytes]:
    """(protected header as bytes, kid, signature) of a signature that carries no payload."""
    protected, kid, payload, signature = _open_signed(signed)
    if payload is not None:
        raise Malformed("detached signature payload: wanted null, got %s" % fields.shown(payload))
    return protected, kid, signature


def _open_signed(signed: bytes) -> tuple[bytes, bytes, object, bytes]:
    """(protected header as bytes, kid, payload, signature) of a signed message."""
    parts = _tagged(signed, _SIGN1_TAG, 4, SIGNED_BYTES_MAX, "signed message")
    protected, header = _header(parts, (_ALG, _KID), "signed message")
    _check_algorithm(header, _ED25519, "signed message")
    kid = header[_KID]
    if type(kid) is not bytes or not 1 <= len(kid) <= SIGNER_ID_MAX:
        raise Malformed("signed message kid: wanted 1..%d bytes, got %s" % (
            SIGNER_ID_MAX, fields.shown(kid)))
    return protected, kid, parts[2], fields.octets(
        parts[3], _SIGNATURE_SIZE, "signed message signature")


def _tagged(data: bytes, tag: int, size: int, most_bytes: int, what: str) -> list[object]:
    value = cbor.decode(data, depth=3, most_bytes=most_bytes, tags=(tag,))
    if type(value) is not cbor.Tag:
        raise Malformed("%s: wanted tag %d, got %s" % (what, tag, fields.shown(value)))
    return fields.record(value.value, size, what)


def _header(
        parts: list[object], labels: tuple[int, ...], what: str,
) -> tuple[bytes, dict[object, object]]:
    """(protected header as bytes, decoded): exactly `labels` stand in it, and nothing outside."""
    protected, unprotected = parts[0], parts[1]
    if type(unprotected) is not dict:
        raise Malformed("%s unprotected header: wanted a map, got %s" % (
            what, fields.shown(unprotected)))
    for label in unprotected:
        raise Unsupported("%s: %s in the unprotected header" % (what, _label_name(label)))
    if type(protected) is not bytes:
        raise Malformed("%s protected header: wanted bytes, got %s" % (
            what, fields.shown(protected)))
    header = cbor.decode(protected, depth=2, most_bytes=128)
    if type(header) is not dict:
        raise Malformed("%s protected header: wanted a map, got %s" % (what, fields.shown(header)))
    for label in header:
        if label not in labels:
            raise Unsupported("%s: header %s" % (what, _label_name(label)))
    for label in labels:
        if label not in header:
            raise Malformed("%s: header %s is missing" % (what, _label_name(label)))
    return protected, header


def _label_name(label: object) -> str:
    name = _HEADER_NAMES.get(label, "label") if type(label) is int else "label"
    return "%s (%s)" % (name, fields.shown(label))


def _check_algorithm(header: dict[object, object], wanted: int, what: str) -> None:
    if type(header[_ALG]) is not int or header[_ALG] != wanted:
        raise Unsupported("%s: wanted algorithm %d, got %s" % (
            what, wanted, fields.shown(header[_ALG])))


def _shortest(counter: int) -> bytes:
    """Big-endian without a leading zero byte; 0 is one zero byte."""
    size = 1
    while counter >> (8 * size):
        size += 1
    return counter.to_bytes(size, "big")


def _nonce(context_iv: bytes, partial_iv: bytes) -> bytes:
    """Context IV XOR the Partial IV padded left with zeros (RFC 9052, 3.1)."""
    assert len(context_iv) == _NONCE_SIZE
    nonce = bytearray(context_iv)
    start = _NONCE_SIZE - len(partial_iv)
    for at in range(len(partial_iv)):
        nonce[start + at] ^= partial_iv[at]
    return bytes(nonce)


def sealed_context(direction: str, tenant: str, stream: str) -> bytes:
    """What a seal is bound to besides its header: external_aad of every sealed message.

    Raises Malformed for a tenant or stream that is no id-text.
    """
    assert direction in ("up", "down")
    return cbor.encode([
        "wum0", direction, checked_text(tenant, "tenant"), checked_text(stream, "stream")])


def encryption_structure(protected: bytes, external_aad: bytes) -> bytes:
    """Enc_structure (RFC 9052, 5.3): the additional data of the cipher."""
    return cbor.encode(["Encrypt0", protected, external_aad])


def signature_structure(protected: bytes, payload: bytes) -> bytes:
    """Sig_structure (RFC 9052, 4.4); the contract has no external_aad for signatures."""
    return cbor.encode(["Signature1", protected, b"", payload])
