"""What is frozen into a firmware for boards without PSRAM: the core, and the port of the boards.

    make -C ports/esp32 BOARD=ESP32_GENERIC FROZEN_MANIFEST=.../wum/edge/manifest.py

in a clone of MicroPython (docs/boards.md). Frozen code is run from flash; the same as .mpy takes
about three times the heap. Before, what nobody needs there is taken away, and modules are joined
(wum_edge/ports/linux/board_image.py). Left out: the port of Linux, and what each board has of its
own on its flash (`wum-firmware board`).
"""

# ruff: noqa: F821 - MicroPython's build calls this file, and brings `include` and `module`.

import atexit
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.getcwd())
from wum_edge.ports.linux.board_image import main as make_image  # noqa: E402

include("$(PORT_DIR)/boards/manifest.py")    # asyncio, and what the board's own firmware has.
made = tempfile.mkdtemp(prefix="wum-image-")
atexit.register(shutil.rmtree, made, True)
for path in make_image(made, os.path.join("..", "shared", "wum_shared"), "wum_edge"):
    module(path, base_path=made, opt=1)
