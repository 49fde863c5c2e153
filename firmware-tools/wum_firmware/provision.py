"""First identity and keys of a concentrator, as the files that it and its head-end read.

Left out: enrolment over the network and the change of keys, which come later. The files:

    identity.key        the Ed25519 seed: 64 hexadecimal digits and a line feed
    uplink.key          key of the direction up in 64 digits, then its context IV in 24, a line each
    downlink.key        the same for the direction down
    broker.password     one line; the user name at the broker is the concentrator's id
    concentrator.toml   id, name, tenant, epoch, broker_user: no secret
    registration.cose   a Registration, signed by the identity: for `wum-cloud register`
"""

import json
import secrets
from dataclasses import dataclass

from wum_firmware.cipher import Ed25519, public_key
from wum_shared import cose
from wum_shared.errors import Malformed
from wum_shared.ids import checked_text, concentrator_id, id_to_text
from wum_shared.messages import (
    DirectionKey,
    Registration,
    decode_registration,
    encode_registration,
)

IDENTITY = "identity.key"
UPLINK = "uplink.key"
DOWNLINK = "downlink.key"
PASSWORD = "broker.password"
CONCENTRATOR = "concentrator.toml"
REGISTRATION = "registration.cose"

NAME_MAX = 100
_PROVISIONED_EPOCH = 0
_PASSWORD_BYTES = 24           # 192 bits: 32 characters of URL-safe base64.


@dataclass(frozen=True, slots=True, repr=False)
class Provisioned:
    """A concentrator's secrets, made once. Its repr is the default one: it shows none of them."""

    name: str
    seed: bytes
    registration: Registration


def make(*, name: str | None, tenant: str) -> Provisioned:
    """A new identity with random keys for both directions and a random broker password.

    `name` is for people, 1..100 printable characters, the id when it is None; `tenant` is an
    id-text of the contract. Raises Malformed.
    """
    seed = secrets.token_bytes(32)
    identity_key = public_key(seed)
    concentrator = concentrator_id(identity_key)
    registration = Registration(
        concentrator, identity_key, checked_text(tenant, "tenant"), _PROVISIONED_EPOCH,
        _direction_key(), _direction_key(), secrets.token_urlsafe(_PASSWORD_BYTES))
    return Provisioned(_checked_name(name, id_to_text(concentrator)), seed, registration)


def files(provisioned: Provisioned) -> dict[str, bytes]:
    """Content of every file by its name. The identity is the last: whoever finds it has all."""
    registration = provisioned.registration
    return {
        UPLINK: _key_file(registration.uplink),
        DOWNLINK: _key_file(registration.downlink),
        PASSWORD: registration.broker_password.encode() + b"\n",
        CONCENTRATOR: _concentrator_file(provisioned.name, registration),
        REGISTRATION: signed_registration(provisioned),
        IDENTITY: provisioned.seed.hex().encode() + b"\n",
    }


def signed_registration(provisioned: Provisioned) -> bytes:
    """COSE_Sign1 of the registration by the identity that it names, checked once more."""
    registration = provisioned.registration
    signed = cose.sign(
        Ed25519(), provisioned.seed, registration.concentrator,
        encode_registration(registration))
    opened = cose.verify(Ed25519(), registration.identity_key, signed)
    assert decode_registration(opened) == registration
    return signed


def _direction_key() -> DirectionKey:
    return DirectionKey(secrets.token_bytes(32), secrets.token_bytes(12))


def _checked_name(name: str | None, otherwise: str) -> str:
    if name is None:
        return otherwise
    if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
        raise Malformed("name: wanted 1..%d printable characters, got %r" % (NAME_MAX, name))
    return name


def _key_file(key: DirectionKey) -> bytes:
    return f"{key.key.hex()}\n{key.context_iv.hex()}\n".encode()


def _concentrator_file(name: str, registration: Registration) -> bytes:
    identifier = id_to_text(registration.concentrator)
    # A printable text as JSON writes it is a basic string of TOML as well.
    return "\n".join((
        "# Written by wum-firmware provision. No secret stands here; the other files are secret.",
        f'id = "{identifier}"',
        f"name = {json.dumps(name, ensure_ascii=False)}",
        f'tenant = "{registration.tenant}"',
        f"epoch = {registration.epoch}",
        f'broker_user = "{identifier}"',
        "",
    )).encode()
