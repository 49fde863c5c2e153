"""What is frozen into a firmware for boards without PSRAM: the core, and the port of the boards.

    make -C ports/esp32 BOARD=ESP32_GENERIC FROZEN_MANIFEST=.../wum/edge/manifest.py

in a clone of MicroPython (docs/boards.md). Frozen code is run from flash; the same as .mpy takes
about three times the heap. What only readers and type checkers need is taken away before
(wum_edge/ports/linux/thinned.py). Left out: the port of Linux, and what each board has of its own
on its flash (`wum-firmware board`).
"""

# ruff: noqa: F821 - MicroPython's build calls this file, and brings `include` and `package`.

import atexit
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.getcwd(), "wum_edge", "ports", "linux"))
from thinned import main as thin  # noqa: E402

LEFT_OUT = (os.path.join("ports", "linux"), "__pycache__")


def modules_below(folder):
    """Paths of all modules below `folder`, relative to it, without those that no board imports."""
    found = []
    for place, _, names in os.walk(folder):
        inside = os.path.relpath(place, folder)
        if not any(part in inside for part in LEFT_OUT):
            found += [os.path.normpath(os.path.join(inside, name))
                      for name in names if name.endswith(".py")]
    return sorted(found)


def freeze(name, folder):
    """A package, thinned."""
    made = tempfile.mkdtemp(prefix="wum-thin-")
    atexit.register(shutil.rmtree, made, True)
    modules = modules_below(folder)
    for module in modules:
        target = os.path.join(made, name, module)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        thin(os.path.join(folder, module), target)
    package(name, modules, base_path=made, opt=1)


include("$(PORT_DIR)/boards/manifest.py")    # asyncio, and what the board's own firmware has.
freeze("wum_shared", os.path.join("..", "shared", "wum_shared"))
freeze("wum_edge", "wum_edge")
