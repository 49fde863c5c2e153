"""Ed25519, X25519 and SHA-512 on a MicroPython board, in plain Python and big integers.

The interpreter is a real one (1.27, 32 bits, WebAssembly). An ESP32's time is scaled as in
board.py: it takes 410 ms for 1,000 bytes of ChaCha20/Poly1305 in plain Python, which is timed in
the same run. `heap` is all that one operation takes while nothing is collected; a board collects
meanwhile. No figure was measured on hardware.
"""

import tempfile
from pathlib import Path

from kit.board_runs import frozen, signing
from kit.figures import Figure, arguments, report

PLAIN_ESP32_MS = 410         # As in board.py.
WATCHDOG_MS = 8000           # Of the port: an order is taken, or answered, in one turn.


def main() -> None:
    """Measure and report."""
    quick = arguments(__doc__ or "").quick
    with tempfile.TemporaryDirectory() as folder:
        found = signing(frozen(Path(folder)), 5 if quick else 25)
    scale = PLAIN_ESP32_MS * 1000 / found["plain_us"]
    figures = []
    for name, what in (("verify", "ed25519_verify"), ("sign", "ed25519_sign"),
                       ("agree", "x25519")):
        ms = found[f"{name}_us"] / 1000
        figures += [
            Figure(f"{what}_per_second_here", 1000 / ms, "of processor", "ms each", ms),
            Figure(f"{what}_esp32_ms", ms * scale, "ms, scaled", "times as slow as here", scale),
            Figure(f"{what}_heap_kb", found[f"{name}_bytes"] / 1000, "kB, nothing collected",
                   "heap of the virtual board", 4096)]
    order_ms = (found["verify_us"] + 2 * found["sign_us"]) / 1000 * scale
    report("signatures", [
        *figures,
        Figure("sha512_plain_block_esp32_ms", found["sha512_us"] / 1000 * scale, "ms, scaled",
               "here", found["sha512_us"] / 1000),
        Figure("order_esp32_ms", order_ms, "ms: one verified, two answers", "watchdog",
               WATCHDOG_MS, "ratio <= 1")])


if __name__ == "__main__":
    main()
