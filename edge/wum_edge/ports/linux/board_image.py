"""The program of a board, from the core's sources: what a build freezes, or compiles to .mpy.

Thinned, without what nobody names, and joined into rooms: thinned.py, unused.py, linked.py say
what and why. Tests on virtual boards and benchmarks take it from here too. Standard library only.

    python -m wum_edge.ports.linux.board_image TARGET FOLDER OF A PACKAGE ...
"""

import gc
import shutil
import sys
from pathlib import Path

from wum_edge.ports.linux.linked import linked
from wum_edge.ports.linux.thinned import thinned
from wum_edge.ports.linux.unused import used_only

ENTRIES = ("wum_edge.ports.micropython.boot", "wum_edge.ports.micropython.main")
SPOKEN = ("dlms", "iec62056_21", "mbus", "modbus", "p1", "pulse", "sml")
TOGETHER = tuple((f"wum_edge.meters.{one}.entry", f"wum_edge.meters.{one}.reader")
                 for one in SPOKEN)
_LINUX = str(Path("ports") / "linux")


def sources_below(folder: Path) -> dict[str, str]:
    """Modules of the package in this folder that a board may import, by path."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder.parent)
        if _LINUX not in str(name) and "__pycache__" not in name.parts:
            found[name.as_posix()] = path.read_text(encoding="utf-8")
    return found


def image(sources: dict[str, str], callers: "tuple[str, ...]" = (),
          changeable: "tuple[str, ...]" = ()) -> dict[str, str]:
    """The modules of a board's program by path, from those of the core and the board's port.
    `callers` are sources that run beside it, and use what they name; what they change is
    `changeable`, see linked.linked. Raises LinkError.
    """
    was_on = gc.isenabled()
    gc.disable()     # Trees are large and no circles: looking for some took a third of the time.
    try:
        thin = {path: thinned(source) for path, source in sources.items()}
        starts = ("start", *[one.rpartition(".")[2] for one in changeable])
        return linked(used_only(thin, callers, starts), ENTRIES, TOGETHER, changeable)
    finally:
        if was_on:
            gc.enable()


def written(target: Path, made: dict[str, str]) -> list[str]:
    """Write them below `target`; their paths."""
    for path, source in made.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(source, encoding="utf-8")
    return sorted(made)


def main(target: str, *folders: str) -> list[str]:
    """All of it."""
    found = {}
    for folder in folders:
        found.update(sources_below(Path(folder).resolve()))
    shutil.rmtree(target, ignore_errors=True)
    return written(Path(target), image(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
