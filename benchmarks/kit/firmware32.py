"""MicroPython's port for Linux with a board's 32 bits and the gateway frozen into it; and what is
the least heap in which that gateway lives through an hour.

It is built from a clone of MicroPython, WUM_MICROPYTHON, with its submodule lib/axtls (AES for
cryptolib) and `gcc -m32` (Debian: gcc-multilib). Left out: the head-end and the meters that it
talks with (board_runs.py).
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import wum_edge
import wum_shared
from wum_edge.ports.linux.board_image import image, sources_below, written

CLONE = os.environ.get("WUM_MICROPYTHON", "")
GUEST = Path(__file__).resolve().parent / "board32"
GUEST_SOURCE = GUEST / "gateway32.py"
STEP_KB = 8
STEPS = 64                   # A heap that is found is not closer than this part of it.
_PATIENCE_S = 900
_OPTIONS = ("CC=gcc -m32", "MICROPY_PY_FFI=0", "MICROPY_PY_BTREE=0", "MICROPY_PY_THREAD=0",
            "MICROPY_SSL_AXTLS=1", "MICROPY_SSL_MBEDTLS=0", "MPY_CROSS_FLAGS=-march=x86",
            # Of this port a path takes 4 kB of stack in each import; a board's has 128 bytes.
            "CFLAGS_EXTRA=-Wno-error -DUNIX_STACK_MULTIPLIER=8")


def sources(folder: Path) -> list[str]:
    """Paths below `folder` of the modules of a board's image."""
    found = {}
    for one in (wum_shared, wum_edge):
        found.update(sources_below(Path(one.__file__ or "").resolve().parent))
    return written(folder, image(found, (GUEST_SOURCE.read_text(encoding="utf-8"),)))


def built(folder: Path) -> Path:
    """The interpreter. Raises SystemExit where it cannot be built."""
    clone = Path(CLONE)
    lines = ['include("$(MPY_DIR)/extmod/asyncio")',
             f'module("gateway32.py", base_path={str(GUEST)!r}, opt=1)']
    source = str(folder / "source")
    lines += [f"module({name!r}, base_path={source!r}, opt=1)" for name in sources(Path(source))]
    (folder / "manifest.py").write_text("\n".join(lines) + "\n")
    (folder / "README.md").write_text("In the place of micropython-lib, of which nothing is used.")
    _run(["make", "-C", str(clone / "mpy-cross")])
    _run(["make", "-C", str(clone / "ports" / "unix"), f"FROZEN_MANIFEST={folder}/manifest.py",
          f"MPY_LIB_DIR={folder}", f"BUILD={folder}/build", *_OPTIONS])
    return folder / "build" / "micropython"


def tree(folder: Path) -> Path:
    """The same modules as .mpy files, as a board with PSRAM has them."""
    crossing = Path(CLONE) / "mpy-cross" / "build" / "mpy-cross"
    for name in sources(folder):
        made = (folder / name).with_suffix(".mpy")
        _run([str(crossing), "-O1", "-march=x86", "-s", name, "-o", str(made), str(folder / name)])
        (folder / name).unlink()             # An importer would take it first.
    return folder


def hour(interpreter: Path, heap_kb: int, words: tuple[str, ...]) -> dict[str, int]:
    """What gateway32.py says with so much heap; empty where that was not enough.

    Raises SystemExit where it ends for another reason.
    """
    call = "import gateway32; gateway32.start(%s)" % ", ".join(map(repr, words))
    done = subprocess.run(
        [str(interpreter), "-X", f"heapsize={heap_kb}k", "-c", call], capture_output=True,
        text=True, timeout=_PATIENCE_S, check=False, env={"MICROPYPATH": ".frozen"})
    said = (done.stdout + done.stderr).splitlines()
    if "delivered" in said:
        return {line.split()[0]: int(line.split()[1]) for line in said
                if line.startswith(("code ", "standing "))}
    if "MemoryError" not in done.stdout + done.stderr:
        raise SystemExit("\n".join(["the gateway ended:", *said[-30:]]))
    return {}


def least(passes: Callable[[int], dict[str, int]], low_kb: int, high_kb: int,
          ) -> tuple[int, dict[str, int]]:
    """The least heap that passes, of those between, and what was said there."""
    found = passes(high_kb)
    if not found:
        raise SystemExit(f"{high_kb} kB of heap are not enough")
    while high_kb - low_kb > max(STEP_KB, high_kb // STEPS):
        middle_kb = (low_kb + high_kb) // 2
        said = passes(middle_kb)
        print(f"{middle_kb} kB of heap: {said or 'not enough'}", flush=True)
        if said:
            found, high_kb = said, middle_kb
        else:
            low_kb = middle_kb
    return high_kb, found


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])}: {(done.stdout + done.stderr)[-2000:]}")
