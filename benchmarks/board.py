"""The gateway on a MicroPython board: its heap, and the time that an hour of 64 meters takes.

`heap_N_meters_kb` is the least heap in which the whole gateway reads, archives, seals and delivers
an hour of N meters, one in four DLMS under GMAC, found by halving: on MicroPython's port for Linux,
built with 32 bits, whose collector works as a board's; 16 meters with all code frozen, 64 with
.mpy. It is built from the clone that WUM_MICROPYTHON names (kit/firmware32.py); without one these
figures are missing. `_standing` is the most that was in use there, looked at twice a second.

The other interpreter is that of tests (1.27, 32 bits, WebAssembly). It collects nothing within a
turn of a task: `heap_N_meters_turn_kb` has all that the largest turn left, and says how large turns
get, not what a board needs. Frozen is estimated there: measured heap less the loaded code, plus
that code's frozen share, 6/21 by docs/boards.md's ratio.

An ESP32's time is scaled: it takes 275 to 410 ms for 1,000 bytes of ChaCha20/Poly1305 in plain
Python, which is timed here in the same run; the slower counts. Sealing there is native: 20 ms for
1,000 bytes. No figure was measured on hardware.
"""

import tempfile
from pathlib import Path

from kit import firmware32
from kit.board_runs import frozen, least_heap, stages, stages_on_cpython, whole
from kit.figures import Figure, arguments, report
from kit.head_end import HeadEnd

FROZEN_SHARE = 6 / 21
MODBUS, DLMS = "eastron-sdm630", "dlms-three-phase"
SMALL_KB, LARGE_KB = 192, 1000
PLAIN_ESP32_MS = 410         # 1,000 bytes by the plain cipher ...
NATIVE_ESP32_MS = 20         # ... and by the native one.
METERS = 64
SHARE_OF_HOUR = 0.02
TRIES = 24                   # Of all halvings together: fewer are needed.
HEAP_BYTES = 8 * 1024 * 1024  # Enough that the heap is measured, not the lack of it.


def hours(core: tuple[tuple[Path, str], ...], count: int) -> list[Figure]:
    """Stages of `count` hours of 64 meters, here and on an ESP32 as it is scaled."""
    found = stages(core, METERS, count)
    here = stages_on_cpython(METERS, count)
    scale = PLAIN_ESP32_MS * 1000 / found["plain_us"]
    figures = []
    for stage in ("read", "append", "encode", "seal"):
        ms = found["costs_us"][stage] / 1000 / count
        figures.append(Figure(f"hour_64_meters_{stage}_ms", ms, "ms of processor",
                              "CPython, the same work", here[stage] / 1000 / count))
    sealed_kb = found["sealed_bytes"] / 1000 / count
    encode_s = found["costs_us"]["encode"] / 1e6 / count * scale
    seal_s = sealed_kb * NATIVE_ESP32_MS / 1000
    print(f"{found['rows'] // count} records an hour, {sealed_kb:.1f} kB sealed; an ESP32 is taken "
          f"as {scale:.0f} times slower: encoding {encode_s:.1f} s, sealing {seal_s:.2f} s")
    share = (encode_s + seal_s) / 3600
    return [*figures, Figure("seal_share_of_hour_esp32", share, "of the hour", "goal",
                             SHARE_OF_HOUR, "ratio <= 1")]


def heaps(core: tuple[tuple[Path, str], ...], sizes: tuple[int, ...]) -> list[Figure]:
    """The whole gateway's heap with so many meters, one in four DLMS under GMAC."""
    figures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)                  # PostgreSQL's account goes through it.
        with HeadEnd(folder) as head_end:
            keys = {size: head_end.provision(f"cabinet-{size}") for size in sizes}
            head_end.start()
            runs = {}
            for size in sizes:
                models = models_of(size)
                runs[size] = whole(core, keys[size], head_end.broker_port, models, HEAP_BYTES)
                print(f"{size} meters: {runs[size]}", flush=True)
    for size, run in runs.items():
        saved = run["code"] * (1 - FROZEN_SHARE) if size <= 16 else 0
        how = "frozen" if size <= 16 else "mpy"
        figures.append(Figure(
            f"heap_{size}_meters_turn_kb", (run["peak"] - saved) / 1000, f"kB, {how}",
            "between two turns", (run["standing"] - saved) / 1000))
    code_kb = runs[sizes[0]]["code"] / 1000
    return [Figure("heap_after_import_mpy_kb", code_kb, "kB", "goal of 16 meters", SMALL_KB),
            Figure("heap_after_import_frozen_kb", code_kb * FROZEN_SHARE, "kB, estimated",
                   "goal of 16 meters", SMALL_KB), *figures]


def models_of(size: int) -> tuple[str, ...]:
    """One in four is DLMS."""
    return tuple(DLMS if n % 4 == 3 else MODBUS for n in range(size))


def least_heaps() -> list[Figure]:
    """The least heap of 16 meters, frozen, and of 64 as .mpy; nothing without a clone."""
    if not firmware32.CLONE:
        print("WUM_MICROPYTHON names no clone of MicroPython: the least heap is not measured")
        return []
    figures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)                  # PostgreSQL's account goes through it.
        interpreter = firmware32.built(folder)
        tree = firmware32.tree(folder / "tree")
        with HeadEnd(folder) as head_end:
            keys = iter(head_end.provision_all(TRIES))
            head_end.start()
            for size, between, limit, how in (
                    (16, (150, 350), SMALL_KB, "frozen"), (64, (500, 1100), LARGE_KB, "mpy")):
                kb, said = least_heap(
                    interpreter, None if how == "frozen" else tree, head_end.broker_port, keys,
                    models_of(size), between)
                print(f"{size} meters, {how}: {kb} kB of heap, {said}", flush=True)
                # An interpreter's kilobyte has 1,024 bytes.
                figures += [
                    Figure(f"heap_{size}_meters_kb", kb * 1.024, f"kB, {how}, 32-bit build",
                           "goal", limit, "ratio <= 1"),
                    Figure(f"heap_{size}_meters_standing_kb", said["standing"] / 1000,
                           f"kB, {how}, 32-bit build", "of that, code", said["code"] / 1000)]
    return figures


def main() -> None:
    """Measure and report."""
    quick = arguments(__doc__ or "").quick
    with tempfile.TemporaryDirectory() as folder:
        core = frozen(Path(folder))
        figures = hours(core, 1 if quick else 4)
        least = [] if quick else least_heaps()
        report("board", least + heaps(core, (16,) if quick else (16, 64)) + figures)


if __name__ == "__main__":
    main()
