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
    """What it keeps of its head-end. `document` is the newest trust document, signed; `root_key`
    is the root that signs the documents after it.
    """

    __slots__ = ()
    root_key: bytes
    document: bytes
    tenant: str


class Granted(namedtuple("Granted", ("trusted", "broker_password", "first_order"))):
    """What a grant brings. `first_order` is a signed order, empty where there is none."""

    __slots__ = ()
    trusted: Trusted
    broker_password: str
    first_order: bytes

    def __repr__(self) -> str:
        return "Granted(hidden)"


class Renewed(namedtuple("Renewed", ("trusted", "keys", "broker_password"))):
    """What an answer to an opening brings. `keys` is None where it only brought newer trust
    documents: then open the next epoch under those. `broker_password` is None where it stays.
    """

    __slots__ = ()
    trusted: Trusted
    keys: Keys | None
    broker_password: str | None

    def __repr__(self) -> str:
        return "Renewed(hidden)"


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

    def granted(self, sealed: bytes) -> Granted:
        """What it grants. Raises NotGenuine, Malformed, Unsupported: then it was no answer, and
        another may come."""
        grant = enrolment.open_grant(self._crypto.cipher, self._secrets, self._nonce, sealed)
        trust = enrolment.open_trust(self._crypto.verifier, grant.root_key, grant.trust, 1)
        return Granted(Trusted(trust.root_key, grant.trust, grant.tenant), grant.broker_password,
                       grant.first_order)


class Opening:
    """An epoch's conversation: an opening, and the answer that makes its keys good.

    `secret` (32 random bytes) is used once and kept nowhere.
    """

    def __init__(
            self, crypto: Crypto, identity: Identity, trusted: Trusted, epoch: int, secret: bytes,
    ) -> None:
        self._crypto = crypto
        self._trusted = trusted
        trust = enrolment.kept_trust(trusted.root_key, trusted.document)
        concentrator = identity.concentrator
        up, down = enrolment.epoch_keys(
            crypto.agreement, secret, trust.uplink_key, trusted.document, concentrator, epoch)
        self._keys = Keys(concentrator, trusted.tenant, epoch, up, down)
        self._message = enrolment.make_opening(
            crypto.signer, identity.seed, concentrator, epoch, trusted.document,
            crypto.agreement.public(secret))

    def message(self) -> bytes:
        """What is sent, again and again until it is answered."""
        return self._message

    def opened(self, message: bytes) -> Renewed:
        """What the answer brings. Raises as `granted` does.

        Trust documents that are not newer than ours, or not of our root, are no answer.
        """
        trusted, keys, password = self._trusted, None, None
        if enrolment.is_chain(message):
            newer = enrolment.decode_chain(message)
        else:
            keys = self._keys
            opened = enrolment.check_opened(
                self._crypto.cipher, keys.downlink, keys.concentrator, keys.epoch, keys.tenant,
                message)
            newer, password = opened.documents, opened.broker_password
        root_key, document = enrolment.follow(
            self._crypto.verifier, trusted.root_key, trusted.document, newer)
        return Renewed(Trusted(root_key, document, trusted.tenant), keys, password)
