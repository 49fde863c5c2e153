"""Enrolment: the messages by which a concentrator and its head-end come to trust each other.

    request   up    signed by the identity, and authenticated by the claim code
    grant     down  sealed by the claim code: root key, trust document, tenant, broker password, and
                    the order with the first configuration, where one was planned
    opening   up    signed by the identity: an ephemeral key for the keys of an epoch
    opened    down  sealed with the new keys: whoever made it has the head-end's uplink key
    chain     down  instead of it: newer trust documents, by which to open an epoch anew

All go on the stream `enrol`: the first two under the name that the claim code gives, which is the
broker's user until then, the others under the concentrator's id.

A trust document names the head-end's uplink key, its order keys, and the root of the documents
after it; the root signs it, and its number only rises. Whoever was away for long is led along from
one to the next.
Keys of an epoch: X25519 (RFC 7748), HKDF with SHA-256 (RFC 5869). The composition awaits an
outside review (docs/enrolment.md). Left out: storing, sending, and every other use of the keys.
"""

from collections import namedtuple

from wum_shared import cbor, cose, fields
from wum_shared.cipher import Agreement, Cipher, Signer, Verifier
from wum_shared.claim import ClaimSecrets
from wum_shared.errors import Malformed, NotGenuine, Unsupported
from wum_shared.ids import CONCENTRATOR_SIZE, checked_text, concentrator_id
from wum_shared.kdf import expand, extract, hmac_sha256, is_same, sha256
from wum_shared.messages import DirectionKey, versioned
from wum_shared.orders import CONSENTS_MAX, ORDER_BYTES_MAX
from wum_shared.topics import DOWN, ENROL, UP

_TRUST_VERSION = 1
_WITH_APPROVERS = 2         # The version of a trust document that names any.
_OPENED = "epoch"           # What the answer to an opening is sealed for.
SUITE = 1                   # X25519, HKDF-SHA-256, ChaCha20/Poly1305, Ed25519.
NONCE_SIZE = 16
TRUST_NUMBER_MAX = 2**31 - 1
TRUST_BYTES_MAX = 1024
APPROVERS_MAX = 6           # Eight documents with so many make an answer to an opening.
ORDER_KEYS_MAX = 2          # The one in use, and the one that takes over or gave up its place.
REQUEST_BYTES_MAX = 1024
FIRST_ORDER_MAX = ORDER_BYTES_MAX + 256      # With its signature.
GRANT_BYTES_MAX = 2048 + FIRST_ORDER_MAX
GRANT_WITH_ORDER = 1        # Version of a grant with a first configuration.
OPENED_BYTES_MAX = 4096
CHAIN_MAX = 8               # Trust documents in one answer, some 180 bytes each.
GRANTS_MAX = 16             # Of one claim: answers that got lost on the way are given again.
_UNCLAIMED = "unclaimed"    # Stands for the tenant, which a grant is the first to name.
_ALGORITHM = 24


class Trust(namedtuple("Trust", (
        "number", "uplink_key", "order_keys", "root_key", "approvers", "consents"))):
    """What the root says: `uplink_key` (32 bytes, X25519) is the head-end's, whoever has one of
    `order_keys` (32 bytes each, Ed25519, at most two) may give orders, and `root_key` signs the
    documents after this one. `number` only rises. Above its cap a concentrator wants so many
    `consents` by different `approvers` (keys, Ed25519); none where there are no approvers: then
    nothing goes above it.
    """

    __slots__ = ()
    number: int
    uplink_key: bytes
    order_keys: tuple[bytes, ...]
    root_key: bytes
    approvers: tuple[bytes, ...]
    consents: int


class Request(namedtuple("Request", ("concentrator", "identity_key", "nonce"))):
    """A concentrator that asks to be let in. `nonce` comes back in the grant."""

    __slots__ = ()
    concentrator: bytes
    identity_key: bytes
    nonce: bytes


class Grant(namedtuple("Grant", (
        "nonce", "root_key", "trust", "tenant", "broker_password", "first_order"))):
    """What the head-end gives. `trust` is a signed trust document; `first_order` a signed order,
    the concentrator's first configuration, or empty where nobody has planned one.
    """

    __slots__ = ()
    nonce: bytes
    root_key: bytes
    trust: bytes
    tenant: str
    broker_password: str
    first_order: bytes

    def __repr__(self) -> str:
        return "Grant(hidden)"


class Opening(namedtuple("Opening", ("concentrator", "epoch", "trust_digest", "ephemeral_key"))):
    """A concentrator opens an epoch: its half of an agreement, under the trust document meant."""

    __slots__ = ()
    concentrator: bytes
    epoch: int
    trust_digest: bytes
    ephemeral_key: bytes


class Opened(namedtuple("Opened", ("documents", "broker_password"))):
    """The answer to an opening: trust documents newer than the one that it was made under, and the
    password at the broker from now on, None where it stays."""

    __slots__ = ()
    documents: list[bytes]
    broker_password: str | None

    def __repr__(self) -> str:
        return "Opened(hidden)"


def sign_trust(signer: Signer, root_seed: bytes, root_key: bytes, trust: Trust) -> bytes:
    """A trust document, signed by the root."""
    assert 1 <= len(trust.order_keys) <= ORDER_KEYS_MAX
    parts = [_TRUST_VERSION, trust.number, trust.uplink_key, list(trust.order_keys),
             trust.root_key]
    if trust.approvers:
        assert 1 <= trust.consents <= min(CONSENTS_MAX, len(trust.approvers))
        parts = [_WITH_APPROVERS] + parts[1:] + [list(trust.approvers), trust.consents]
    return cose.sign(signer, root_seed, concentrator_id(root_key), cbor.encode(parts))


def open_trust(verifier: Verifier, root_key: bytes, signed: bytes, least: int) -> Trust:
    """The trust document that the root signed. Raises NotGenuine for a number below `least`,
    Malformed, Unsupported."""
    _bounded(signed, TRUST_BYTES_MAX, "trust document")
    trust = _trust(cose.verify(verifier, root_key, signed), root_key)
    if trust.number < least:
        raise NotGenuine("trust document: number %d after %d: it only rises" % (
            trust.number, least))
    return trust


def kept_trust(root_key: bytes, signed: bytes) -> Trust:
    """A trust document that was opened before, and kept with the root that it names.

    Who signed it may be the root before that, which nobody keeps. Raises NotGenuine, Malformed,
    Unsupported.
    """
    _bounded(signed, TRUST_BYTES_MAX, "trust document")
    trust = _trust(cose.peek_signed(signed)[1], root_key)
    if trust.root_key != root_key:
        raise NotGenuine("trust document: it names another root than was kept with it")
    return trust


def named_root(signed: bytes, otherwise: bytes) -> bytes:
    """The root that a kept trust document names; `otherwise`, its signer, for one that names none.
    Raises Malformed, Unsupported."""
    _bounded(signed, TRUST_BYTES_MAX, "trust document")
    return _trust(cose.peek_signed(signed)[1], otherwise).root_key


def follow(
        verifier: Verifier, root_key: bytes, signed: bytes, newer: list[bytes],
) -> tuple[bytes, bytes]:
    """(root, trust document) at the end of a chain that goes on after `signed`, each signed by the
    root that the one before it names. Raises NotGenuine, Malformed, Unsupported."""
    trust = kept_trust(root_key, signed)
    for signed in newer:
        trust = open_trust(verifier, trust.root_key, signed, trust.number + 1)
    return trust.root_key, newer[-1] if newer else signed


def _trust(payload: bytes, signer: bytes) -> Trust:
    """Version 0 named nobody who may give orders, and had one root for ever: its signer."""
    what, orders, root_key, approvers, consents = "trust document", [], signer, [], 0
    if payload[:2] == b"\x83\x00":
        parts = versioned(payload, 3, what, TRUST_BYTES_MAX)
    else:
        if payload[:2] == b"\x87\x02":
            parts = versioned(payload, 7, what, TRUST_BYTES_MAX, version=_WITH_APPROVERS)
            approvers = fields.items(parts[5], APPROVERS_MAX, what + " approvers", least=1)
            fields.unlike(approvers, what + " approvers")
            consents = fields.number(
                parts[6], 1, min(CONSENTS_MAX, len(approvers)), what + " consents")
        else:
            parts = versioned(payload, 5, what, TRUST_BYTES_MAX, version=_TRUST_VERSION)
        orders = fields.items(parts[3], ORDER_KEYS_MAX, what + " order-keys", least=1)
        fields.unlike(orders, what + " order-keys")
        root_key = fields.octets(parts[4], 32, what + " root-key")
    return Trust(
        fields.number(parts[1], 1, TRUST_NUMBER_MAX, what + " number"),
        fields.octets(parts[2], 32, what + " uplink-key"),
        tuple([fields.octets(key, 32, what + " order-key") for key in orders]), root_key,
        tuple([fields.octets(key, 32, what + " approver") for key in approvers]), consents)


def make_request(
        signer: Signer, seed: bytes, identity_key: bytes, secrets: ClaimSecrets, nonce: bytes,
) -> bytes:
    """What a concentrator sends to be let in."""
    assert len(nonce) == NONCE_SIZE
    signed = cose.sign(signer, seed, concentrator_id(identity_key), cbor.encode(
        [fields.VERSION, identity_key, secrets.name, nonce]))
    return cbor.encode([signed, hmac_sha256(secrets.enrol, signed)])


def open_request(verifier: Verifier, name: bytes, enrol: bytes, message: bytes) -> Request:
    """The request that whoever has the claim code and the identity made.

    The code is looked at first, so that nobody without it makes us compute a signature. Raises
    NotGenuine, Malformed, Unsupported.
    """
    parts = fields.record(
        cbor.decode(message, most_bytes=REQUEST_BYTES_MAX), 2, "enrolment request")
    signed, code = parts[0], fields.octets(parts[1], 32, "enrolment request code")
    if type(signed) is not bytes:
        raise Malformed("enrolment request: wanted signed bytes, got %s" % fields.shown(signed))
    if not is_same(hmac_sha256(enrol, signed), code):
        raise NotGenuine("enrolment request: it was not made with the claim code")
    said = versioned(cose.peek_signed(signed)[1], 4, "enrolment request", REQUEST_BYTES_MAX)
    identity_key = fields.octets(said[1], 32, "enrolment request identity-key")
    cose.verify(verifier, identity_key, signed)
    if fields.octets(said[2], CONCENTRATOR_SIZE, "enrolment request name") != name:
        raise NotGenuine("enrolment request: it is of another claim")
    return Request(concentrator_id(identity_key), identity_key,
                   fields.octets(said[3], NONCE_SIZE, "enrolment request nonce"))


def seal_grant(
        cipher: Cipher, name: bytes, key: DirectionKey, counter: int, grant: Grant) -> bytes:
    """The grant, sealed by the claim code's key. `counter` comes from chance, 62 bits of it: what
    is counted would come again where a database is restored."""
    said = ([GRANT_WITH_ORDER] + list(grant) if grant.first_order
            else [fields.VERSION] + list(grant)[:-1])
    return cose.seal(cipher, key, cose.key_id(name, 0), counter, cbor.encode(said), DOWN,
                     _UNCLAIMED, ENROL)


def open_grant(cipher: Cipher, secrets: ClaimSecrets, nonce: bytes, sealed: bytes) -> Grant:
    """The grant that answers the request with `nonce`. Raises NotGenuine, Malformed, Unsupported.
    """
    _bounded(sealed, GRANT_BYTES_MAX, "grant")
    parts = _grant_parts(cose.unseal(cipher, secrets.grant, sealed, DOWN, _UNCLAIMED, ENROL))
    first_order = parts[6] if len(parts) > 6 else b""
    if type(first_order) is not bytes or len(parts) > 6 and not (
            0 < len(first_order) <= FIRST_ORDER_MAX):
        raise Malformed("grant first-order: wanted 1..%d bytes, got %s" % (
            FIRST_ORDER_MAX, fields.shown(first_order)))
    trust, password = parts[3], parts[5]
    if type(trust) is not bytes or type(password) is not str or not 16 <= len(password) <= 128:
        raise Malformed("grant: its trust document or its password is none")
    if fields.octets(parts[1], NONCE_SIZE, "grant nonce") != nonce:
        raise NotGenuine("grant: it answers another request")
    return Grant(nonce, fields.octets(parts[2], 32, "grant root-key"), trust,
                 checked_text(parts[4], "grant tenant"), password, first_order)


def _grant_parts(said: bytes) -> list[object]:
    """Fields of a grant of either version."""
    try:
        return versioned(said, 6, "grant", GRANT_BYTES_MAX)
    except Unsupported:
        return versioned(said, 7, "grant", GRANT_BYTES_MAX, version=GRANT_WITH_ORDER)


def make_opening(
        signer: Signer, seed: bytes, concentrator: bytes, epoch: int, trust: bytes,
        ephemeral_key: bytes) -> bytes:
    """What opens an epoch (1..65535). `trust` is the signed trust document."""
    assert 1 <= epoch <= 0xFFFF and len(ephemeral_key) == 32
    return cose.sign(signer, seed, concentrator, cbor.encode(
        [fields.VERSION, SUITE, concentrator, epoch, sha256(trust), ephemeral_key]))


def open_opening(verifier: Verifier, identity_key: bytes, signed: bytes) -> Opening:
    """The opening that the holder of `identity_key` signed. Raises NotGenuine, Malformed,
    Unsupported."""
    payload = cose.verify(verifier, identity_key, signed)
    parts = versioned(payload, 6, "epoch opening", REQUEST_BYTES_MAX)
    if parts[1] != SUITE:
        raise Unsupported("epoch opening: wanted suite %d, got %s" % (
            SUITE, fields.shown(parts[1])))
    if fields.octets(
            parts[2], CONCENTRATOR_SIZE, "epoch opening concentrator"
    ) != concentrator_id(identity_key):
        raise NotGenuine("epoch opening: it is of another concentrator")
    return Opening(
        concentrator_id(identity_key), fields.number(parts[3], 1, 0xFFFF, "epoch opening epoch"),
        fields.octets(parts[4], 32, "epoch opening trust-digest"),
        fields.octets(parts[5], 32, "epoch opening ephemeral-key"))


def epoch_keys(
        agreement: Agreement, secret: bytes, other_key: bytes, trust: bytes, concentrator: bytes,
        epoch: int) -> tuple[DirectionKey, DirectionKey]:
    """(uplink, downlink) keys of an epoch, from one side's secret and the other's public key.

    Raises NotGenuine for a key that agrees to the same with everybody (RFC 7748, 6.1).
    """
    shared = agreement.shared(secret, other_key)
    if shared is None or is_same(shared, bytes(32)):
        raise NotGenuine("epoch: the other side's key is none")
    prk = extract(sha256(trust), shared)
    made = []
    for direction in (UP, DOWN):
        info = cbor.encode([_ALGORITHM, SUITE, concentrator, epoch, direction])
        material = expand(prk, info, 44)
        made.append(DirectionKey(material[:32], material[32:]))
    return made[0], made[1]


def seal_opened(
        cipher: Cipher, key: DirectionKey, concentrator: bytes, epoch: int, tenant: str,
        counter: int, opened: Opened) -> bytes:
    """The answer to an opening, sealed with the downlink key of the new epoch."""
    assert len(opened.documents) <= CHAIN_MAX
    return cose.seal(
        cipher, key, cose.key_id(concentrator, epoch), counter, cbor.encode(
            [fields.VERSION, concentrator, epoch, opened.documents, opened.broker_password]),
        DOWN, tenant, _OPENED)


def check_opened(
        cipher: Cipher, key: DirectionKey, concentrator: bytes, epoch: int, tenant: str,
        sealed: bytes) -> Opened:
    """What a head-end says that shows that it has the keys of the epoch.

    The trust documents are as the root signed them, if it did: `follow` says. Raises NotGenuine,
    Malformed, Unsupported.
    """
    _bounded(sealed, OPENED_BYTES_MAX, "opened epoch")
    parts = versioned(
        cose.unseal(cipher, key, sealed, DOWN, tenant, _OPENED), 5, "opened epoch",
        OPENED_BYTES_MAX)
    if parts[1] != concentrator or parts[2] != epoch:
        raise NotGenuine("opened epoch: it is another concentrator's, or another epoch")
    password = parts[4]
    if password is not None and not (type(password) is str and 16 <= len(password) <= 128):
        raise Malformed("opened epoch: its password is none")
    return Opened(_documents(parts[3], "opened epoch"), password)


def encode_chain(documents: list[bytes]) -> bytes:
    """Newer trust documents, for whoever opened an epoch under one that is too old."""
    assert 1 <= len(documents) <= CHAIN_MAX
    return cbor.encode([fields.VERSION, documents])


def decode_chain(message: bytes) -> list[bytes]:
    """Those documents; nobody vouches for them but the root. Raises Malformed, Unsupported."""
    _bounded(message, OPENED_BYTES_MAX, "trust chain")
    return _documents(versioned(message, 2, "trust chain", OPENED_BYTES_MAX)[1], "trust chain", 1)


def is_chain(message: bytes) -> bool:
    """Whether a message down the stream looks like a chain; else it is sealed."""
    return message[:1] == b"\x82"


def _documents(parts: object, what: str, least: int = 0) -> list[bytes]:
    found = fields.items(parts, CHAIN_MAX, what, least=least)
    documents = [one for one in found if type(one) is bytes]
    if len(documents) != len(found):
        raise Malformed("%s: its trust documents are none" % what)
    return documents


def is_request(message: bytes) -> bool:
    """Whether a message of the stream looks like a request; else it may be an opening."""
    return message[:1] == b"\x82"      # A list of two; an opening begins with a tag.


def _bounded(data: bytes, most: int, what: str) -> None:
    if len(data) > most:
        raise Malformed("%s: %d bytes, at most %d are read" % (what, len(data), most))
