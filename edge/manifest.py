"""What is frozen into a firmware for boards without PSRAM: the core, and the port of the boards.

    make -C ports/esp32 BOARD=ESP32_GENERIC FROZEN_MANIFEST=.../wum/edge/manifest.py

in a clone of MicroPython (docs/boards.md). Frozen code is run from flash; the same as .mpy takes
about three times the heap. Left out: the port of Linux, and what each board has of its own on its
flash (`wum-firmware board`).
"""

# ruff: noqa: F821 - MicroPython's build calls this file, and brings `include` and `package`.

import os

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


include("$(PORT_DIR)/boards/manifest.py")    # asyncio, and what the board's own firmware has.
package("wum_shared", modules_below("../shared/wum_shared"), base_path="../shared", opt=1)
package("wum_edge", modules_below("wum_edge"), opt=1)
