"""Orders, down, and receipts, up: what a concentrator is to do, and what became of it.

An order is signed by an order key of the head-end, which the trust document names, and then sealed
for its concentrator (or its group); a receipt is signed by the concentrator's identity, and then
sealed. So both stand as proof when the seals are gone. What an order asks for is one of KINDS,
whose arguments are bytes here: whoever carries a kind out reads them.

Left out: sealing (cose.py), when an order may be carried out (the concentrator's journal and
clock), sending. Layout: contract.cddl.
"""

from collections import namedtuple
from hashlib import sha256

from wum_shared import cbor, cose, fields
from wum_shared.cipher import Cipher, Signer, Verifier
from wum_shared.errors import NotGenuine
from wum_shared.ids import CONCENTRATOR_SIZE, DIGEST_SIZE, concentrator_id
from wum_shared.messages import (
    DirectionKey,
    note_field,
    sequence_field,
    time_field,
    versioned,
)
from wum_shared.topics import DOWN, ORDER, RECEIPT, UP

ORDER_ID_SIZE = 8
CHALLENGE_SIZE = 8
WINDOW_MAX_S = 7 * 86400     # From issue to beginning, and from there to the end: no clock that is
                             # wrong by more makes an order good.
ARGUMENTS_MAX = 16 * 1024    # A configuration of 64 meters.
CONTENT_MAX = 16 * 1024      # Of a receipt: the end of a log.
CONSENTS_MAX = 3             # Beside one order.
CONSENT_BYTES_MAX = 320      # A signature and what it is of: consent.py.
ORDER_BYTES_MAX = ARGUMENTS_MAX + 256 + CONSENTS_MAX * (CONSENT_BYTES_MAX + 3)
_WITH_CONSENTS = 1           # The version of an order that has any.
RECEIPT_BYTES_MAX = CONTENT_MAX + 512

# What an order asks for. A number never gets another meaning.
READ, SET_CLOCK, DISCONNECT, RECONNECT, LIMIT, SECONDARY = 1, 2, 3, 4, 5, 6
RESTART, LOGS, READ_AGAIN, SESSION, CONFIGURE, GROUP, UPDATE = 7, 8, 9, 10, 11, 12, 13
NETWORK_KEY = 14
KINDS = {
    READ: "read", SET_CLOCK: "set clock", DISCONNECT: "disconnect", RECONNECT: "reconnect",
    LIMIT: "limit load", SECONDARY: "switch secondary load", RESTART: "restart",
    LOGS: "fetch log", READ_AGAIN: "read archive again", SESSION: "session with a meter",
    CONFIGURE: "configure", GROUP: "join groups", UPDATE: "update",
    NETWORK_KEY: "change the network's key",
}

# What a receipt says. Of these only RECEIVED and AGAIN are not the last word.
RECEIVED, DONE, FAILED, REFUSED, UNKNOWN, AGAIN = 1, 2, 3, 4, 5, 6
STATES = {
    RECEIVED: "received", DONE: "done", FAILED: "failed", REFUSED: "refused",
    UNKNOWN: "unknown", AGAIN: "again",
}
LAST_WORDS = (DONE, FAILED, REFUSED, UNKNOWN)

# Why. Zero where there is nothing to add.
NO_REASON, EXPIRED, FORGOTTEN, ALREADY_USED, KIND_UNKNOWN, ARGUMENTS = 0, 1, 2, 3, 4, 5
CAPPED, PROVE_FRESH, FLASH_REFUSES, TOO_MANY, CANNOT, METER_FAILED = 6, 7, 8, 9, 10, 11
CUT_BEFORE, CUT_WITHIN, DAMAGED = 12, 13, 14
REASONS = {
    NO_REASON: "", EXPIRED: "its time was over",
    FORGOTTEN: "its number is before those that are remembered",
    ALREADY_USED: "its number or its id was used by another order",
    KIND_UNKNOWN: "this concentrator does not know such an order",
    ARGUMENTS: "its arguments are wrong", CAPPED: "more than this concentrator does in an hour",
    PROVE_FRESH: "the clock proves nothing: to be given again with the challenge",
    FLASH_REFUSES: "it could not be put on record", TOO_MANY: "too many orders wait",
    CANNOT: "it cannot be done here", METER_FAILED: "the meter did not do it",
    CUT_BEFORE: "the gateway ended before it was begun",
    CUT_WITHIN: "the gateway ended while it was carried out",
    DAMAGED: "its record is damaged",
}


class Order(namedtuple("Order", (
        "to", "id", "sequence", "issued_s", "begins_s", "expires_s", "kind", "arguments",
        "fresh"))):
    """One act, to be done once by `to` (id of a concentrator or group, 8 bytes).

    `id` is the act's, which keeps it where the order is given again: the `sequence` of its first
    order, 8 bytes, the highest first. `sequence` is this order's alone, and rises. It may be begun
    from `begins_s` to `expires_s`. `fresh` repeats a challenge (8 bytes) of the concentrator's, or
    is None.
    """

    __slots__ = ()
    to: bytes
    id: bytes
    sequence: int
    issued_s: int
    begins_s: int
    expires_s: int
    kind: int
    arguments: bytes
    fresh: bytes | None


class Receipt(namedtuple("Receipt", (
        "concentrator", "id", "sequence", "digest", "state", "reason", "at_s", "quality", "note",
        "content", "challenge"))):
    """What became of the order with this `digest`. `at_s` is by the concentrator's clock.

    `content` is what the kind gives back; `challenge` makes an order good whatever the clock says.
    """

    __slots__ = ()
    concentrator: bytes
    id: bytes
    sequence: int
    digest: bytes
    state: int
    reason: int
    at_s: int
    quality: int
    note: str
    content: bytes
    challenge: bytes


def order_digest(signed: bytes) -> bytes:
    """What a receipt repeats to show which order it speaks of."""
    return sha256(signed).digest()[:DIGEST_SIZE]


def encode_order(order: Order, consents: "tuple[bytes, ...]" = ()) -> bytes:
    """CBOR of an order, to be signed, with the consents of others beside it (consent.py)."""
    assert len(consents) <= CONSENTS_MAX
    assert 0 <= order.begins_s - order.issued_s <= WINDOW_MAX_S
    assert 0 < order.expires_s - order.begins_s <= WINDOW_MAX_S
    assert len(order.arguments) <= ARGUMENTS_MAX
    return cbor.encode([
        _WITH_CONSENTS if consents else fields.VERSION, order.to, order.id, order.sequence,
        order.issued_s, order.begins_s - order.issued_s, order.expires_s - order.begins_s,
        order.kind, order.arguments, order.fresh] + ([list(consents)] if consents else []))


def decode_order(payload: bytes) -> Order:
    """The order in `payload`, whatever consents it has. Raises Malformed, Unsupported."""
    return _order(_order_parts(payload))


def consents_of(signed: bytes) -> "list[bytes]":
    """The consents beside a signed order, of whomever. Raises Malformed, Unsupported."""
    parts = _order_parts(cose.peek_signed(signed)[1])
    if len(parts) == 10:
        return []
    return [fields.bounded(one, CONSENT_BYTES_MAX, "order consent")
            for one in fields.items(parts[10], CONSENTS_MAX, "order consents", least=1)]


def _order_parts(payload: bytes) -> "list[object]":
    if payload[:2] == b"\x8b\x01":
        parts = versioned(payload, 11, "order", ORDER_BYTES_MAX, version=_WITH_CONSENTS)
        for one in fields.items(parts[10], CONSENTS_MAX, "order consents", least=1):
            fields.bounded(one, CONSENT_BYTES_MAX, "order consent")
        return parts
    return versioned(payload, 10, "order", ORDER_BYTES_MAX)


def _order(parts: "list[object]") -> Order:
    issued_s = time_field(parts[4], "order issued")
    begins_s = issued_s + fields.number(parts[5], 0, WINDOW_MAX_S, "order wait")
    expires_s = begins_s + fields.number(parts[6], 1, WINDOW_MAX_S, "order window")
    fresh = parts[9]
    if fresh is not None:
        fresh = fields.octets(fresh, CHALLENGE_SIZE, "order fresh")
    return Order(
        fields.octets(parts[1], CONCENTRATOR_SIZE, "order to"),
        fields.octets(parts[2], ORDER_ID_SIZE, "order id"),
        sequence_field(parts[3], "order sequence"), issued_s, begins_s, expires_s,
        fields.number(parts[7], 1, 255, "order kind"),
        fields.bounded(parts[8], ARGUMENTS_MAX, "order arguments"), fresh)


def encode_receipt(receipt: Receipt) -> bytes:
    """CBOR of a receipt, to be signed."""
    assert len(receipt.content) <= CONTENT_MAX
    return cbor.encode([fields.VERSION] + list(receipt))


def decode_receipt(payload: bytes) -> Receipt:
    """The receipt in `payload`. Raises Malformed, Unsupported."""
    parts = versioned(payload, 12, "receipt", RECEIPT_BYTES_MAX)
    return Receipt(
        fields.octets(parts[1], CONCENTRATOR_SIZE, "receipt concentrator"),
        fields.octets(parts[2], ORDER_ID_SIZE, "receipt id"),
        sequence_field(parts[3], "receipt sequence"),
        fields.octets(parts[4], DIGEST_SIZE, "receipt digest"),
        fields.number(parts[5], RECEIVED, AGAIN, "receipt state"),
        fields.number(parts[6], 0, 255, "receipt reason"), time_field(parts[7], "receipt at"),
        fields.number(parts[8], 0, 2, "receipt time-quality"),
        note_field(parts[9], "receipt note"),
        fields.bounded(parts[10], CONTENT_MAX, "receipt content"),
        fields.octets(parts[11], CHALLENGE_SIZE, "receipt challenge"))


def sign_order(signer: Signer, seed: bytes, order_key: bytes, order: Order,
               consents: "tuple[bytes, ...]" = ()) -> bytes:
    """`order` and the consents beside it, signed by the order key of `seed`."""
    return cose.sign(signer, seed, concentrator_id(order_key), encode_order(order, consents))


def open_order(verifier: Verifier, order_keys: tuple[bytes, ...], signed: bytes) -> Order:
    """The order that a holder of one of `order_keys` signed.

    Raises NotGenuine, Malformed, Unsupported.
    """
    kid, _ = cose.peek_signed(signed)
    for key in order_keys:
        if concentrator_id(key) == kid:
            return decode_order(cose.verify(verifier, key, signed))
    raise NotGenuine("order: signed by a key that the trust document does not name")


def sign_receipt(signer: Signer, seed: bytes, receipt: Receipt) -> bytes:
    """`receipt`, signed by the identity of `seed`."""
    return cose.sign(signer, seed, receipt.concentrator, encode_receipt(receipt))


def open_receipt(verifier: Verifier, identity_key: bytes, signed: bytes) -> Receipt:
    """The receipt that the holder of `identity_key` signed. Raises NotGenuine, Malformed,
    Unsupported."""
    receipt = decode_receipt(cose.verify(verifier, identity_key, signed))
    if receipt.concentrator != concentrator_id(identity_key):
        raise NotGenuine("receipt: it is of another concentrator")
    return receipt


def seal_order(cipher: Cipher, key: DirectionKey, kid: bytes, counter: int, tenant: str,
               signed: bytes) -> bytes:
    """A signed order for whoever has `key`, which `kid` names."""
    return cose.seal(cipher, key, kid, counter, signed, DOWN, tenant, ORDER)


def unseal_order(cipher: Cipher, key: DirectionKey, tenant: str, sealed: bytes) -> bytes:
    """The signed order in `sealed`: nothing is proven of it but that it is not the broker's.

    Raises NotGenuine, Malformed, Unsupported.
    """
    return cose.unseal(cipher, key, sealed, DOWN, tenant, ORDER)


def unseal_receipt(cipher: Cipher, key: DirectionKey, tenant: str, sealed: bytes) -> bytes:
    """The signed receipt in `sealed`. Raises NotGenuine, Malformed, Unsupported."""
    return cose.unseal(cipher, key, sealed, UP, tenant, RECEIPT)
