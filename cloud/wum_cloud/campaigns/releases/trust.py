"""Whose releases the head-end takes in: the same `release-trust.json` that concentrators have.

WUM_RELEASE_TRUST names the file, or a folder with one for each target. No page and no endpoint
changes it: a head-end that was taken over can send nothing that release keys have not signed.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

from wum_cloud.campaigns.plan import PlanRefused
from wum_shared.errors import Malformed
from wum_shared.ids import id_from_text
from wum_shared.suit import SIGNERS_MAX

VENDOR = uuid5(NAMESPACE_DNS, "wum").bytes
_FILE_MAX = 4096
_FILES_MAX = 20


@dataclass(frozen=True, slots=True)
class Trust:
    """For one target: how many of `keys` (kid to public key) have to sign. `names` by kid."""

    target: str
    threshold: int
    keys: dict[bytes, bytes]
    names: dict[bytes, str]

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


def _read(path: Path) -> Trust:
    try:
        found = json.loads(path.read_text(encoding="utf-8")[:_FILE_MAX])
        signers = {str(name): id_from_text(key, 32) for name, key in found["signers"].items()}
        target, threshold = found["target"], found["threshold"]
        if type(target) is not str or type(threshold) is not int or not (
                1 <= threshold <= min(len(set(signers.values())), SIGNERS_MAX)):
            raise ValueError("its threshold cannot be met")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, Malformed) as error:
        raise PlanRefused("%s is no release-trust.json: %s." % (path, error)) from error
    kids = {name: sha256(key).digest()[:8] for name, key in signers.items()}
    return Trust(target, threshold, {kids[name]: key for name, key in signers.items()},
                 {kid: name for name, kid in kids.items()})
