"""Whose releases the head-end takes in: the same `release-trust.json` that concentrators have.

WUM_RELEASE_TRUST names the file, or a folder with one for each target. No page and no endpoint
changes it: a head-end that was taken over can send nothing that release keys have not signed. Left
out: documents of its root keys, which come after it (succession/).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

from wum_cloud.campaigns.plan import PlanRefused
from wum_shared.errors import Malformed
from wum_shared.release_trust import ReleaseTrust, key_id, keys_of, of_table

VENDOR = uuid5(NAMESPACE_DNS, "wum").bytes
_FILE_MAX = 8192
_FILES_MAX = 20


@dataclass(frozen=True, slots=True)
class Trust:
    """For one target: how many of `keys` (kid to public key) have to sign. `names` by kid;
    `document`: what says so, with its number and root keys.
    """

    target: str
    threshold: int
    keys: dict[bytes, bytes]
    names: dict[bytes, str]
    document: ReleaseTrust

    @property
    def device_class(self) -> bytes:
        """As the envelope has it."""
        return uuid5(uuid5(NAMESPACE_DNS, "wum"), self.target).bytes


def read_trust(path: Path | None) -> list[Trust]:
    """What the setting names. Raises PlanRefused with a sentence."""
    if path is None:
        raise PlanRefused("WUM_RELEASE_TRUST is not set: it names the release-trust.json that says "
                          "whose releases are taken in (wum-firmware trust writes it).")
    files = sorted(path.glob("*.json"))[:_FILES_MAX] if path.is_dir() else [path]
    if not files:
        raise PlanRefused("There is no *.json in %s, which WUM_RELEASE_TRUST names." % path)
    return [_read(file) for file in files]


def trust_of(target: str, document: ReleaseTrust) -> Trust:
    """Whom a document trusts to sign releases for the target that it is for."""
    return Trust(target, document.threshold, keys_of(document.signers),
                 {key_id(key): name for name, key in document.signers}, document)


def _read(path: Path) -> Trust:
    try:
        found = json.loads(path.read_text(encoding="utf-8")[:_FILE_MAX])
        target = found["target"] if isinstance(found, dict) else None
        if type(target) is not str:
            raise ValueError("it has no target")
        return trust_of(target, of_table(found, uuid5(uuid5(NAMESPACE_DNS, "wum"), target).bytes))
    except (OSError, ValueError, KeyError, Malformed) as error:
        raise PlanRefused("%s is no release-trust.json: %s." % (path, error)) from error
