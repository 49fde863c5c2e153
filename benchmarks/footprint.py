"""Memory of the gateway: resident on Linux with 64 meters, and of its core on a MicroPython's heap.

On Linux `wum-edge run` reads 64 simulated meters every two seconds, archives and delivers; what
counts is its largest resident size. On MicroPython the core is loaded as .mpy and measured; frozen
into the firmware it is estimated only, by the ratio that was measured for code like it: 21 kB of
heap for 1,000 lines as .mpy, 6 kB frozen.
"""

import tempfile
from pathlib import Path

from kit.figures import Figure, arguments, report
from kit.heap_of_core import PROTOCOLS, heap_bytes
from kit.running_gateway import largest_mb

METERS = 64
RESIDENT_MB = 40
FROZEN_SHARE = 6 / 21
ESP32_FREE_KB = 60           # Of an ESP32 without PSRAM, with Wi-Fi up, at least.


def resident(run_s: float) -> list[Figure]:
    """The gateway's largest resident size."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)            # PostgreSQL's account goes through it.
        found, records = largest_mb(Path(folder), METERS, run_s)
    print(f"the gateway archived {records} records of {METERS} meters", flush=True)
    return [Figure("resident_linux_64_meters", found, "MB", "goal", RESIDENT_MB, "ratio <= 1")]


def heap(others: list[str]) -> list[Figure]:
    """The core with Modbus, measured as .mpy and estimated frozen, and with each other protocol."""
    core, lines = heap_bytes(("modbus",))
    print(f"core with Modbus: {lines} lines, {core / 1000 / lines * 1000:.1f} kB for 1,000 lines")
    figures = [
        Figure("heap_core_modbus_mpy", core / 1000, "kB", "free on an ESP32", ESP32_FREE_KB),
        Figure("heap_core_modbus_frozen_estimated", core / 1000 * FROZEN_SHARE, "kB",
               "free on an ESP32", ESP32_FREE_KB)]
    for protocol in others:
        with_it, _ = heap_bytes((protocol,))
        figures.append(Figure(f"heap_core_{protocol}_mpy", with_it / 1000, "kB",
                              "the core with Modbus", core / 1000))
    return figures


def main() -> None:
    """Measure and report."""
    quick = arguments(__doc__ or "").quick
    others = [] if quick else sorted(set(PROTOCOLS) - {"modbus"})
    report("footprint", resident(6.0 if quick else 60.0) + heap(others))


if __name__ == "__main__":
    main()
