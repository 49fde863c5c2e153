"""The concentrator's side of enrolment: what it sends, and what it takes for an answer.

Left out: the broker, the files, chance (a port has them); the messages (wum_shared/enrolment.py).
Whoever keeps the grant before the first opening is sent asks again after a power cut at any moment,
or is let in.
"""

from collections import namedtuple

from wum_edge.uplink.keys import Keys
from wum_shared import enrolment
from wum_shared.cipher import Agreement, Cipher, Signer, Verifier
from wum_shared.claim import secrets_of
from wum_shared.ids import concentrator_id


class Crypto(namedtuple("Crypto", ("cipher", "signer", "verifier", "agreement"))):
    """What a port computes for us."""

    __slots__ = ()
    cipher: Cipher
    signer: Signer
    verifier: Verifier
    agreement: Agreement


class Identity(namedtuple("Identity", ("seed", "key"))):
    """Who this concentrator is: the Ed25519 seed, which never leaves it, and the public key."""

    __slots__ = ()
    seed: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Identity(hidden)"

    @property
    def concentrator(self) -> bytes:
        """Its id, 8 bytes."""
        return concentrator_id(self.key)


class Trusted(namedtuple("Trusted", ("root_key", "document", "tenant"))):
    """What it keeps of its head-end. `document` is the newest trust document, signed."""

    __slots__ = ()
    root_key: bytes
    document: bytes
    tenant: str


class Claiming:
    """A claim code's conversation: a request, and the grant that answers it."""

    def __init__(self, crypto: Crypto, identity: Identity, code: bytes, nonce: bytes) -> None:
        self._crypto = crypto
        self._identity = identity
        self._nonce = nonce
        self._secrets = secrets_of(code)

    @property
    def name(self) -> bytes:
        """Its user at the broker until the grant."""
        return self._secrets.name

    @property
    def password(self) -> str:
        """Its password there."""
        return self._secrets.password

    def request(self) -> bytes:
        """What is sent, again and again until it is answered."""
        return enrolment.make_request(
            self._crypto.signer, self._identity.seed, self._identity.key, self._secrets,
            self._nonce)

    def granted(self, sealed: bytes) -> tuple[Trusted, str]:
        """(whom to trust from now on, password at the broker). Raises NotGenuine, Malformed,
        Unsupported: then it was no answer, and another may come."""
        grant = enrolment.open_grant(self._crypto.cipher, self._secrets, self._nonce, sealed)
        enrolment.open_trust(self._crypto.verifier, grant.root_key, grant.trust, 1)
        return Trusted(grant.root_key, grant.trust, grant.tenant), grant.broker_password


class Opening:
    """An epoch's conversation: an opening, and the answer that makes its keys good.

    `secret` (32 random bytes) is used once and kept nowhere.
    """

    def __init__(
            self, crypto: Crypto, identity: Identity, trusted: Trusted, epoch: int, secret: bytes,
    ) -> None:
        self._crypto = crypto
        self._trusted = trusted
        self._trust = enrolment.open_trust(
            crypto.verifier, trusted.root_key, trusted.document, 1)
        concentrator = identity.concentrator
        up, down = enrolment.epoch_keys(
            crypto.agreement, secret, self._trust.uplink_key, trusted.document, concentrator,
            epoch)
        self._keys = Keys(concentrator, trusted.tenant, epoch, up, down)
        self._message = enrolment.make_opening(
            crypto.signer, identity.seed, concentrator, epoch, trusted.document,
            crypto.agreement.public(secret))

    def message(self) -> bytes:
        """What is sent, again and again until it is answered."""
        return self._message

    def opened(self, sealed: bytes) -> tuple[Keys, Trusted]:
        """(the keys of the epoch, whom to trust at the next one). Raises as `granted` does.

        A trust document that is older than ours, or not of our root, is no answer.
        """
        keys = self._keys
        document = enrolment.check_opened(
            self._crypto.cipher, keys.downlink, keys.concentrator, keys.epoch, keys.tenant,
            sealed)
        enrolment.open_trust(
            self._crypto.verifier, self._trusted.root_key, document, self._trust.number)
        return keys, Trusted(self._trusted.root_key, document, self._trusted.tenant)
