"""The keys folder of a concentrator that is claimed: identity, code, and what enrolment adds.

    identity.key, claim.code      from the first start, the code from a warehouse where it is there
                                  already; it is gone once it was used
    uplink-7.key, downlink-7.key  keys of epoch 7; concentrator.toml names the epoch in force
    broker.password, concentrator.toml    as wum-firmware provision writes
    broker.password.before        good where the head-end has not heard yet that there is a new one
    trusted.toml, trust.cose      whom it trusts: the root's key, the newest trust document
    epoch.tried                   the last epoch that it asked for: none is asked for twice

Whoever writes here writes whole files, for their owner alone; concentrator.toml comes last, and
what lacks it is not enrolled. Left out: the network (enrolling.py).
"""

import json
import os
import secrets
import tomllib
from pathlib import Path

from wum_edge.enrolment.joining import Granted, Identity, Renewed, Trusted
from wum_edge.ports.linux.cipher import Signatures
from wum_edge.ports.linux.keys import BadKeys, password_before, read_keys, secret_text
from wum_shared.claim import CODE_SIZE, code_from_text, code_to_text
from wum_shared.enrolment import FIRST_ORDER_MAX, named_root
from wum_shared.errors import Malformed, WireError
from wum_shared.ids import checked_text, id_from_text, id_to_text
from wum_shared.messages import DirectionKey

IDENTITY, CODE = "identity.key", "claim.code"
UPLINK, DOWNLINK, PASSWORD = "uplink.key", "downlink.key", "broker.password"
TRUSTED, TRUST, CONCENTRATOR = "trusted.toml", "trust.cose", "concentrator.toml"
TRIED = "epoch.tried"
FIRST_ORDER = "first.order"
REGISTRATION = "registration.cose"      # Of the workbench: it holds the first keys.
# What a new claim wipes: all that says who this was, and all that it could speak with.
WIPED = (CONCENTRATOR, UPLINK, DOWNLINK, PASSWORD, PASSWORD + ".before", TRUST, TRUSTED, TRIED,
         REGISTRATION, "mesh.key", "join.key", "door.key", FIRST_ORDER, CODE, IDENTITY)
EPOCHS = ("uplink-*.key", "downlink-*.key")
_TRUST_MAX = 4096
_ZEROS = 1 << 20             # Bytes that are written at once where something is overwritten.
_EPOCH_MAX = 0xFFFF


def is_enrolled(folder: Path) -> bool:
    """Whether a head-end has let this concentrator in."""
    return (folder / CONCENTRATOR).exists()


def claim_code(folder: Path) -> str:
    """The claim code, as it is printed; made with the identity where both are new.

    A code without an identity came from a warehouse, or is of a first start that was cut off: it is
    kept, and the identity is made here. Raises BadKeys for a concentrator that is enrolled.
    """
    if is_enrolled(folder) or is_granted(folder):
        raise BadKeys(f"{folder} holds the keys of a concentrator that is enrolled. --again wipes "
                      "them, and makes it a new concentrator: the old one is revoked at the "
                      "head-end.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    if not (folder / IDENTITY).exists():
        if not (folder / CODE).exists():
            write(folder / CODE, code_to_text(secrets.token_bytes(CODE_SIZE)) + "\n")
        read_code(folder)                           # One that is none is refused before.
        write(folder / IDENTITY, secrets.token_bytes(32).hex() + "\n")
    elif not (folder / CODE).exists():
        raise BadKeys(f"{folder} holds an identity and no claim code: it was provisioned on the "
                      "workbench, or begun anew. --again makes a new one.")
    return code_to_text(read_code(folder))


def is_of_warehouse(folder: Path) -> bool:
    """Whether there is a code, whose label somebody has, and no identity yet."""
    return (folder / CODE).exists() and not (folder / IDENTITY).exists()


def wipe(folder: Path) -> None:
    """Forget who this was and whom it trusted. The archive stays, and goes to whoever claims it
    next: for one that changes hands there is reset.py."""
    for path in [folder / name for name in WIPED] + _of_epochs(folder):
        if path.exists():
            shred(path)
    _sync(folder)


def read_code(folder: Path) -> bytes:
    """The claim code. Raises BadKeys; its text shows no code."""
    try:
        return code_from_text(secret_text(folder / CODE))
    except Malformed as error:
        raise BadKeys(f"{folder / CODE} holds no claim code: `wum-edge claim --again` makes a new "
                      "one") from error


def read_identity(folder: Path) -> Identity:
    """Who this is. Raises BadKeys."""
    try:
        seed = id_from_text(secret_text(folder / IDENTITY).strip(), 32)
    except Malformed:
        raise BadKeys(f"{folder / IDENTITY}: wanted 64 lower-case hexadecimal digits") from None
    return Identity(seed, Signatures.public(seed))


def read_trusted(folder: Path) -> Trusted:
    """Whom this concentrator trusts. Raises BadKeys."""
    if not is_granted(folder):
        raise BadKeys(f"{folder} knows no root: it was not enrolled by a claim code, and its keys "
                      "are changed on the workbench")
    try:
        said = tomllib.loads(secret_text(folder / TRUSTED))
        with (folder / TRUST).open("rb") as file:
            document = file.read(_TRUST_MAX)
        # Whom the document names is the root, whatever was written beside it before a power cut.
        root_key = named_root(document, id_from_text(str(said.get("root")), 32))
        return Trusted(root_key, document, checked_text(said.get("tenant"), "tenant"))
    except (OSError, WireError, tomllib.TOMLDecodeError) as error:
        raise BadKeys(f"{folder}: what it trusts cannot be read ({error}): `wum-edge claim "
                      "--again`, and claim it anew") from error


def next_epoch(folder: Path) -> int:
    """An epoch that was never asked for, on record before it is. Raises BadKeys.

    The answer to an earlier one may be lost while the head-end has its keys: it takes none twice.
    """
    try:
        last = int(secret_text(folder / TRIED)) if (folder / TRIED).exists() else 0
        if is_enrolled(folder):
            last = max(last, read_keys(folder).keys.epoch)
    except ValueError as error:
        raise BadKeys(f"{folder / TRIED}: wanted a number") from error
    if last >= _EPOCH_MAX:
        raise BadKeys("all epochs of this identity are used up: `wum-edge claim --again`")
    write(folder / TRIED, f"{last + 1}\n")
    return last + 1


def keep_grant(folder: Path, granted: Granted) -> None:
    """Write what the head-end granted: from now on no code is needed. What says so comes last."""
    write(folder / PASSWORD, granted.broker_password + "\n")
    if granted.first_order:
        replace(folder / FIRST_ORDER, granted.first_order)
    keep_trust(folder, granted.trusted)


def first_order(folder: Path) -> bytes:
    """The signed order that came with the grant and is not on record yet; empty: there is none."""
    try:
        with (folder / FIRST_ORDER).open("rb") as file:
            return file.read(FIRST_ORDER_MAX)
    except FileNotFoundError:
        return b""


def forget_first_order(folder: Path) -> None:
    """It is on record."""
    (folder / FIRST_ORDER).unlink(missing_ok=True)


def keep_trust(folder: Path, trusted: Trusted) -> None:
    """Write whom it trusts. The document itself names the root: what is written beside it is for
    people, and may be behind after a power cut."""
    replace(folder / TRUST, trusted.document)
    write(folder / TRUSTED, f'root = "{trusted.root_key.hex()}"\n'
          f"tenant = {json.dumps(trusted.tenant)}\n")


def keep_renewed(folder: Path, renewed: Renewed) -> None:
    """Write what an answer to an opening brought: the keys of an epoch, newer trust documents, a
    new password, of which the one before stays beside it.

    One file names the epoch, and it comes last: a power cut at any moment leaves a folder that
    seals with one epoch or the other, and knows both passwords.
    """
    keep_trust(folder, renewed.trusted)
    keys, password = renewed.keys, renewed.broker_password
    if keys is None:
        return
    if password is not None and password != secret_text(folder / PASSWORD).strip():
        replace(password_before(folder / PASSWORD), (folder / PASSWORD).read_bytes())
        write(folder / PASSWORD, password + "\n")
    write(folder / f"uplink-{keys.epoch}.key", _written(keys.uplink))
    write(folder / f"downlink-{keys.epoch}.key", _written(keys.downlink))
    identifier = id_to_text(keys.concentrator)
    write(folder / CONCENTRATOR, "\n".join((
        "# Written by wum-edge. No secret stands here; the other files are secret.",
        f'id = "{identifier}"', f'name = "{identifier}"', f"tenant = {json.dumps(keys.tenant)}",
        f"epoch = {keys.epoch}", f'broker_user = "{identifier}"', "")))
    _forget(folder, keys.epoch)


def _forget(folder: Path, epoch: int) -> None:
    """The code, burned at the head-end too, and the keys of every other epoch: whoever steals the
    concentrator opens nothing of what was sealed before."""
    kept = {folder / f"uplink-{epoch}.key", folder / f"downlink-{epoch}.key"}
    gone = {*[folder / name for name in (CODE, UPLINK, DOWNLINK, REGISTRATION)],
            *_of_epochs(folder)} - kept
    for path in gone:
        if path.exists():
            shred(path)
    _sync(folder)


def _of_epochs(folder: Path) -> list[Path]:
    return [path for pattern in EPOCHS for path in folder.glob(pattern)]


def shred(path: Path) -> None:
    """Overwrite and delete. A flash card may keep the old block all the same."""
    if not path.is_symlink() and path.is_file():
        with path.open("r+b") as file:
            left = path.stat().st_size
            while left > 0:
                left -= file.write(bytes(min(left, _ZEROS)))
            file.flush()
            os.fsync(file.fileno())
    path.unlink()


def is_granted(folder: Path) -> bool:
    """Whether the code has done its work; the keys of an epoch may still be missing."""
    return (folder / TRUSTED).exists()


def write(path: Path, text: str) -> None:
    """Replace a file of the folder: whole, durable, for its owner alone."""
    replace(path, text.encode("ascii"))


def replace(path: Path, content: bytes) -> None:
    """As `write`, with bytes."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, 0o600)
        file.write(content)
        file.flush()
        os.fsync(handle)
    fresh.replace(path)
    _sync(path.parent)


def _written(key: DirectionKey) -> str:
    return f"{key.key.hex()}\n{key.context_iv.hex()}\n"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
