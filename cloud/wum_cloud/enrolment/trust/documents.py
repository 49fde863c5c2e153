"""`wum-cloud trust`: a new trust document, signed by the root's key, with a new uplink key
and a new order key.

A document names its own order key and that of the document before. Orders are signed with the older
of the two, so that who has not heard of the newest document yet takes them as well.

The root's key is a file that belongs on another machine, or into a safe, between two uses. Its
first use makes it. A document names the root of those after it, so that the root changes, too:
concentrators follow the chain, and take no document of any other root. It also names approvers, who
sign above a concentrator's cap; those of the document before stay unless others are given.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path

from wum_cloud.audit.acts import TRUST_MADE, at_the_machine
from wum_cloud.audit.store import note
from wum_cloud.database import Connection, connect
from wum_cloud.enrolment.trust import store
from wum_cloud.enrolment.trust.store import Document
from wum_cloud.registry.cipher import SodiumAgreement, SodiumSigner
from wum_cloud.registry.keys import KeyFileError, Vault, write_secret
from wum_shared.enrolment import APPROVERS_MAX, Trust, kept_trust, sign_trust
from wum_shared.kdf import sha256
from wum_shared.orders import CONSENTS_MAX

GOOD_MAX = 2        # Documents that an epoch may be opened under: the newest, and the one before,
SECRET_DAYS = 52    # which is good for so long after it was followed: an archive's 45 days, a week.
_NOBODYS = 0


@dataclass(frozen=True, slots=True)
class Approvers:
    """Public keys of those who sign above a cap, and how many have to; none: nobody can."""

    keys: tuple[bytes, ...]
    consents: int


def approvers_of(given: list[str] | None, consents: int) -> Approvers | None:
    """As the command line names them: None for those of before. Raises KeyFileError."""
    if given is None:
        return None
    if given == ["none"]:
        return Approvers((), 0)
    keys = []
    for text in given:
        try:
            keys.append(bytes.fromhex(text))
        except ValueError:
            keys.append(b"")
        if len(keys[-1]) != 32:
            raise KeyFileError("--approver %s: wanted a public key of 64 hexadecimal digits, as "
                               "`wum-firmware approver` prints it." % text)
    if len(set(keys)) != len(keys) or len(keys) > APPROVERS_MAX:
        raise KeyFileError("--approver: wanted %d different keys at most." % APPROVERS_MAX)
    if not 1 <= consents <= min(CONSENTS_MAX, len(keys)):
        raise KeyFileError("--consents %d: wanted 1..%d of the %d approvers." % (
            consents, min(CONSENTS_MAX, len(keys)), len(keys)))
    return Approvers(tuple(keys), consents)


async def make_document(
        database_url: str, vault: Vault, root_file: Path, next_root_file: Path | None = None,
        *, destroys: bool = False, approvers: Approvers | None = None) -> int:
    """Make the next trust document; return its number. Raises KeyFileError.

    With `next_root_file`, made where it is new, that root signs the documents after it. `destroys`
    forgets the secrets of the document before at once, not after 52 days: nothing is ordered with
    its order key either. `approvers` None: those of before.
    """
    is_new = write_secret(root_file, secrets.token_hex(32) + "\n")
    seed = _seed(root_file)
    async with await connect(database_url) as connection:
        await store.lock(connection)
        before = await store.newest(connection)
        root_key = SodiumSigner.public(seed)
        if before is not None and before.next_root_key != root_key:
            if is_new:
                root_file.unlink()
            raise KeyFileError(
                "%s is not the root's key that the concentrators know: bring that one. With "
                "another one every concentrator would have to be claimed again." % root_file)
        number = 1 if before is None else before.number + 1
        await store.add(connection, _document(
            vault, seed, number, root_key if next_root_file is None else _made(next_root_file),
            None if destroys else before,
            approvers if approvers is not None else _approvers(before)))
        await store.destroy_secrets(
            connection, kept=1 if destroys else GOOD_MAX, followed_days=SECRET_DAYS)
        await note(connection, at_the_machine(_NOBODYS), TRUST_MADE, str(number),
                   root="another" if next_root_file else "")
    return number


def uplink_secret(vault: Vault, document: Document) -> bytes:
    """The secret half of the key that the document names. Raises KeyFileError."""
    assert document.uplink_secret_sealed is not None
    return bytes.fromhex(vault.open_text(_place(document.number), document.uplink_secret_sealed))


async def order_seed(connection: Connection, vault: Vault) -> bytes | None:
    """The secret that signs orders now; None while no document names one. Raises KeyFileError."""
    with_key = [document for document in await store.last_two(connection)
                if document.order_secret_sealed is not None]
    return _order_secret(vault, with_key[-1]) if with_key else None


async def newest_document(connection: Connection) -> Document | None:
    """The document in force."""
    return await store.newest(connection)


def _document(
        vault: Vault, seed: bytes, number: int, next_root_key: bytes, before: Document | None,
        approvers: Approvers) -> Document:
    secret, order_secret = secrets.token_bytes(32), secrets.token_bytes(32)
    order_keys = [SodiumSigner.public(order_secret)]
    if before is not None and before.order_secret_sealed is not None:
        order_keys.append(SodiumSigner.public(_order_secret(vault, before)))
    root_key = SodiumSigner.public(seed)
    signed = sign_trust(SodiumSigner(), seed, root_key, Trust(
        number, SodiumAgreement().public(secret), tuple(order_keys), next_root_key,
        approvers.keys, approvers.consents))
    return Document(number, signed, sha256(signed), root_key, next_root_key,
                    vault.seal_text(_place(number), secret.hex()),
                    vault.seal_text(_order_place(number), order_secret.hex()))


def _approvers(document: Document | None) -> Approvers:
    if document is None:
        return Approvers((), 0)
    kept = kept_trust(document.next_root_key, document.signed)
    return Approvers(kept.approvers, kept.consents)


def _order_secret(vault: Vault, document: Document) -> bytes:
    assert document.order_secret_sealed is not None
    return bytes.fromhex(
        vault.open_text(_order_place(document.number), document.order_secret_sealed))


def _made(root_file: Path) -> bytes:
    write_secret(root_file, secrets.token_hex(32) + "\n")
    return SodiumSigner.public(_seed(root_file))


def _seed(file: Path) -> bytes:
    try:
        mode, text = file.stat().st_mode & 0o777, file.read_text(encoding="ascii").strip()
        seed = bytes.fromhex(text)
    except (OSError, ValueError) as error:
        raise KeyFileError("The root's key %s cannot be read: wanted 64 hexadecimal digits."
                           % file) from error
    if mode & 0o077:
        raise KeyFileError("The root's key %s may be read by others (mode %o): run chmod 600 %s."
                           % (file, mode, file))
    if len(seed) != 32:
        raise KeyFileError("The root's key %s: wanted 64 hexadecimal digits." % file)
    return seed


def _place(number: int) -> str:
    return "uplink key of trust document %d" % number


def _order_place(number: int) -> str:
    return "order key of trust document %d" % number
