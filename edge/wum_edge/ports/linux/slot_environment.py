"""What a gateway is told of the slot that it was started from: written by the launcher, read by the
gateway's part for updates. It belongs to the installation, as the launcher does.
"""

import os
from pathlib import Path

from wum_edge.update.boot import FACTORY, A, B

FOLDER, SLOT = "WUM_UPDATE_FOLDER", "WUM_UPDATE_SLOT"
NAMES = {A: "a", B: "b", FACTORY: "factory"}


def environment(folder: Path, slot: int) -> dict[str, str]:
    """The launcher's own, and where to find the code of `slot` (A, B or FACTORY)."""
    found = {**os.environ, FOLDER: str(folder), SLOT: NAMES[slot]}
    if slot != FACTORY:
        paths = [str(folder / NAMES[slot]), os.environ.get("PYTHONPATH", "")]
        found["PYTHONPATH"] = os.pathsep.join([path for path in paths if path])
        # Bytecode beside the sources would be a file that nobody signed.
        found["PYTHONDONTWRITEBYTECODE"] = "1"
    return found
