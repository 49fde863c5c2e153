"""Whose releases this machine takes: `release-trust.json` in the folder of its keys.

    {"number": 1, "target": "linux", "threshold": 2, "signers": {"ada": "<64 hex digits>", ...},
     "root": {"threshold": 2, "keys": {"root-ada": "<64 hex digits>", ...}}}

The keys are those of the `.pub` files that `wum-firmware keys make` writes. Nothing that comes over
the network changes the file; documents that its root keys signed come after it (update/trusted.py).
"""

import json
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

from wum_edge.ports.linux.keys import BadKeys
from wum_edge.update.offer import Rules
from wum_edge.update.trusted import rules_of
from wum_shared.errors import Malformed
from wum_shared.release_trust import of_table

NAME = "release-trust.json"
_FILE_MAX = 8192
_VENDOR = uuid5(NAMESPACE_DNS, "wum")


def read_rules(folder: Path) -> Rules:
    """What a release has to be. Raises BadKeys."""
    path = folder / NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8")[:_FILE_MAX])
        target = found["target"] if isinstance(found, dict) else None
        if type(target) is not str:
            raise Malformed("wanted a target")
        trust = of_table(found, uuid5(_VENDOR, target).bytes)
    except (OSError, ValueError, KeyError, Malformed) as error:
        raise BadKeys(f"{path}: {error}. Releases are taken by target, threshold and signers: "
                      "docs/updates.md") from error
    return rules_of(_VENDOR.bytes, trust)
