"""Consents: a second person's own signature under an act that takes power from people.

An order is signed by a key that the head-end uses by itself. Above what a concentrator does in an
hour for such a key alone, it wants consents beside it: each signed by an approver whose key the
trust document names, and who keeps it away from the head-end. A consent names all that matters of
the act: for whom, what, and when. It does not name the order: the same act may have to be given
again under another number. Left out: who asks for consents, and when they are wanted
(wum_edge/orders/desk.py). Layout: contract.cddl.
"""

from collections import namedtuple

from wum_shared import cbor, cose, fields
from wum_shared.cipher import Signer, Verifier
from wum_shared.errors import Malformed, NotGenuine, WireError
from wum_shared.groups import is_reference
from wum_shared.ids import CONCENTRATOR_SIZE, concentrator_id
from wum_shared.messages import time_field, versioned
from wum_shared.orders import CONSENT_BYTES_MAX, WINDOW_MAX_S, Order

ARGUMENTS_MAX = 128          # Of an act on meters: a serial of 64 characters and two numbers.


class Consent(namedtuple("Consent", ("to", "kind", "arguments", "begins_s", "expires_s"))):
    """`to` a concentrator, or the group that `arguments` name; to be begun from `begins_s` on and
    before `expires_s`.
    """

    __slots__ = ()
    to: bytes
    kind: int
    arguments: bytes
    begins_s: int
    expires_s: int


def consent_of(concentrator: bytes, kind: int, arguments: bytes, begins_s: int,
               expires_s: int) -> Consent:
    """What is to be signed for an act of this concentrator, or of a group that it is in."""
    return Consent(_whom(concentrator, arguments), kind, arguments, begins_s, expires_s)


def sign_consent(signer: Signer, seed: bytes, key: bytes, consent: Consent) -> bytes:
    """`consent`, signed by the approver of `seed`, whose public key is `key`."""
    assert len(consent.arguments) <= ARGUMENTS_MAX
    return cose.sign(signer, seed, concentrator_id(key), encode_consent(consent))


def open_consent(verifier: Verifier, approvers: tuple[bytes, ...],
                 signed: bytes) -> tuple[Consent, bytes]:
    """(the consent, the key of the approver who signed it). Raises NotGenuine, Malformed,
    Unsupported."""
    if len(signed) > CONSENT_BYTES_MAX:
        raise Malformed("consent: %d bytes, at most %d" % (len(signed), CONSENT_BYTES_MAX))
    kid, _ = cose.peek_signed(signed)
    for key in approvers:
        if concentrator_id(key) == kid:
            return decode_consent(cose.verify(verifier, key, signed)), key
    raise NotGenuine("consent: signed by a key that the trust document does not name as an "
                     "approver's")


def consenting(verifier: Verifier, approvers: tuple[bytes, ...], concentrator: bytes,
               order: Order, consents: list[bytes]) -> int:
    """How many approvers have consented to this order of this concentrator. What is forged, of
    another act or said twice counts for nothing.
    """
    found: list[bytes] = []
    for signed in consents:
        try:
            consent, key = open_consent(verifier, approvers, signed)
            if key not in found and is_of(consent, concentrator, order):
                found.append(key)
        except WireError:
            continue
    return len(found)


def is_of(consent: Consent, concentrator: bytes, order: Order) -> bool:
    """Whether the act of the order is the one that was consented to."""
    return (consent.to == _whom(concentrator, order.arguments)
            and consent.kind == order.kind and consent.arguments == order.arguments
            and consent.begins_s <= order.begins_s and order.expires_s <= consent.expires_s)


def _whom(concentrator: bytes, arguments: bytes) -> bytes:
    parts = cbor.decode(arguments, most_bytes=ARGUMENTS_MAX)
    whom = parts[0] if type(parts) is list and parts else None
    if is_reference(whom):
        assert type(whom) is bytes
        return whom[:CONCENTRATOR_SIZE]
    return concentrator


def encode_consent(consent: Consent) -> bytes:
    """CBOR of a consent, to be signed."""
    return cbor.encode([fields.VERSION, "consent"] + list(consent))


def decode_consent(payload: bytes) -> Consent:
    """The consent in `payload`. Raises NotGenuine, Malformed, Unsupported."""
    parts = versioned(payload, 7, "consent", CONSENT_BYTES_MAX)
    if parts[1] != "consent":
        raise NotGenuine("consent: it is none")
    begins_s = time_field(parts[5], "consent begins")
    return Consent(
        fields.octets(parts[2], CONCENTRATOR_SIZE, "consent to"),
        fields.number(parts[3], 1, 255, "consent kind"),
        fields.bounded(parts[4], ARGUMENTS_MAX, "consent arguments"), begins_s,
        fields.number(parts[6], begins_s + 1, begins_s + WINDOW_MAX_S, "consent expires"))
