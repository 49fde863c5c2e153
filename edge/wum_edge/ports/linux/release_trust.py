"""Whose releases this machine takes: `release-trust.json` in the folder of its keys.

    {"target": "linux", "threshold": 2, "signers": {"ada": "<64 hex digits>", "grace": "..."}}

The keys are those of the `.pub` files that `wum-firmware keys make` writes. Nothing that comes over
the network changes the file.
"""

import json
from hashlib import sha256
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

from wum_edge.ports.linux.keys import BadKeys
from wum_edge.update.offer import Rules
from wum_shared.errors import Malformed
from wum_shared.ids import id_from_text
from wum_shared.suit import SIGNERS_MAX

NAME = "release-trust.json"
KID_SIZE = 8
_FILE_MAX = 4096
_VENDOR = uuid5(NAMESPACE_DNS, "wum")


def read_rules(folder: Path) -> Rules:
    """What a release has to be. Raises BadKeys."""
    path = folder / NAME
    try:
        text = path.read_text(encoding="utf-8")[:_FILE_MAX]
        found = json.loads(text)
        signers = {str(name): id_from_text(key, 32) for name, key in found["signers"].items()}
        target, threshold = found["target"], found["threshold"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, Malformed) as error:
        raise BadKeys(f"{path}: {error}. Releases are taken by target, threshold and signers: "
                      "docs/updates.md") from error
    if type(target) is not str or type(threshold) is not int or not (
            1 <= threshold <= min(len(set(signers.values())), SIGNERS_MAX)):
        raise BadKeys(f"{path}: wanted a target, and a threshold of 1..{SIGNERS_MAX} that so many "
                      "different signers can meet")
    return Rules(_VENDOR.bytes, uuid5(_VENDOR, target).bytes,
                 {sha256(key).digest()[:KID_SIZE]: key for key in signers.values()}, threshold)
