"""Runs of the virtual board for benchmarks: stages of an hour, and the whole gateway's heap.

What runs there stands in the folder `board` beside this file. Left out: what the numbers mean.
"""

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import wum_edge
import wum_shared
from kit.board import hour
from kit.concentrator import Sodium
from kit.firmware32 import hour as hour_of_32_bits
from kit.firmware32 import least
from kit.head_end import free_port
from kit.street import modbus_entry
from wum_edge.ports.linux.board_image import image, sources_below, written
from wum_edge.ports.micropython.flash import BoardFlash
from wum_simulator.board.supervisor import ENDED, GUEST, Board, Description, Uart, compiled
from wum_simulator.meters.dlms import KEYS

GUESTS = Path(__file__).resolve().parent / "board"
CATALOG = Path(wum_edge.__file__).resolve().parent / "catalog"
PORT = "wum_edge.ports.micropython.main"
CODE = {
    "eastron-sdm630": ("wum_edge.meters.modbus.entry", "wum_edge.meters.modbus.reader"),
    "dlms-three-phase": ("wum_edge.meters.dlms.entry", "wum_edge.meters.dlms.reader")}
_CHANGEABLE = ("wum_edge.ports.micropython.cipher.xor",)
SWEEPS = 4                   # Of an hour.
SPEED = 120
STATUS_S = 10                # The gateway's own sentence on its console, several times in a run.
_PATIENCE_S = 1200
_ACCESS = f"""[meter.access]
client = 3
authentication = "hls-gmac"
protection = "both"
system_title = "57554d0000000001"
encryption_key = "{KEYS.encryption.hex()}"
authentication_key = "{KEYS.authentication.hex()}"
"""


def frozen(folder: Path) -> tuple[tuple[Path, str], ...]:
    """The image of a board, as .mpy for the virtual one, with what the programs in `board` use."""
    found: dict[str, str] = {}
    for module in (wum_edge, wum_shared):
        found.update(sources_below(Path(module.__file__ or "").resolve().parent))
    guests = tuple(path.read_text(encoding="utf-8") for path, _ in _guests())
    made = written(folder / "image", image(found, guests, _CHANGEABLE))
    return compiled(tuple((folder / "image" / path, "/" + path) for path in made), folder)


def document(meters: int) -> dict[str, object]:
    """A configuration with so many meters of kit.street's twelve registers."""
    return {
        "concentrator": {"name": "benchmark", "keys": "keys", "archive": "archive"},
        "broker": {"host": "127.0.0.1", "tls": False}, "schedule": {"period_s": 3600 // SWEEPS},
        "line": [{"name": "a", "port": "uart:1"}],
        "meter": [{"line": "a", "model": "twelve-registers", "serial": f"M-{n}", "address": n}
                  for n in range(1, meters + 1)]}


def stages(core: tuple[tuple[Path, str], ...], meters: int, hours: int) -> dict[str, Any]:
    """What stages.py says of so many hours."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "hour.json").write_text(json.dumps([document(meters), modbus_entry()]))
        board = Board(Description(
            main=f"import asyncio, stages\nasyncio.run(stages.main({hours}))",
            flash=folder / "flash", log=folder / "log", heap_bytes=8 * 1024 * 1024,
            sources=(*core, *_guests(), (folder / "hour.json", "/hour.json"))))
        board.start()
        if board.wait(_PATIENCE_S) != ENDED:
            raise SystemExit(f"the board did not live through its hours: {board.said()}")
        found: dict[str, Any] = json.loads(board.said())
        return found


def signing(core: tuple[tuple[Path, str], ...], rounds: int) -> dict[str, int]:
    """What signing.py says, each the best of so many rounds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        board = Board(Description(
            main=f"import asyncio, signing\nasyncio.run(signing.main({rounds}))",
            flash=folder / "flash", log=folder / "log", heap_bytes=4 * 1024 * 1024,
            sources=(*core, *_guests())))
        board.start()
        if board.wait(_PATIENCE_S) != ENDED:
            raise SystemExit(f"the board did not sign: {board.said()}")
        found: dict[str, int] = json.loads(board.said())
        return found


def stages_on_cpython(meters: int, hours: int) -> Mapping[str, int]:
    """Microseconds of each stage of the same hours here, with libsodium's seal."""
    with tempfile.TemporaryDirectory() as folder:
        bench = hour.Bench(
            document(meters), modbus_entry(), BoardFlash(folder), Sodium(),
            lambda: time.process_time_ns() // 1000, lambda: time.monotonic_ns() // 1_000_000)
        for _ in range(hours):
            for _ in bench.hour():
                pass
        costs: dict[str, int] = bench.costs
        return costs


def whole(core: tuple[tuple[Path, str], ...], keys: Path, broker_port: int,
          models: tuple[str, ...], heap_bytes: int) -> dict[str, int]:
    """What whole.py says of an hour of the whole gateway with these keys, once it is delivered."""
    flash = _flash(keys, broker_port, models)
    line = flash.with_name("line")
    simulator = _meters(models, "--link", str(line))
    try:
        _await(line.exists, "the simulator does not start")
        board = Board(Description(
            main=f"import asyncio, whole\nasyncio.run(whole.run({code_of(models)!r}))",
            flash=flash, log=flash.with_name("log"), sources=(*core, *_guests()),
            heap_bytes=heap_bytes, flash_bytes=4 * 1024 * 1024,
            uarts={1: Uart(str(line), paced=False)}))
        board.start(clock_s=int(time.time()))
        try:
            return _delivered(board, SWEEPS * len(models))
        finally:
            board.cut()
    finally:
        simulator.send_signal(signal.SIGTERM)
        simulator.wait(_PATIENCE_S)


def least_heap(interpreter: Path, tree: Path | None, broker_port: int, keys: Iterator[Path],
               models: tuple[str, ...], between: tuple[int, int]) -> tuple[int, dict[str, int]]:
    """The least heap of 32 bits in which an hour of these meters is delivered, and what was said.
    Without a tree of .mpy the code is frozen. Each try is a new board, with the next keys.
    """
    port = free_port()
    simulator = _meters(models, "--listen", f"127.0.0.1:{port}")

    def passes(heap_kb: int) -> dict[str, int]:
        words = (str(_flash(next(keys), broker_port, models)), str(port),
                 str(SWEEPS * len(models)), ",".join(code_of(models)))
        return hour_of_32_bits(interpreter, heap_kb, words if tree is None else (*words, str(tree)))
    try:
        _await(lambda: _answers(port), "the simulator does not start")
        return least(passes, *between)
    finally:
        simulator.send_signal(signal.SIGTERM)
        simulator.wait(_PATIENCE_S)


def code_of(models: tuple[str, ...]) -> tuple[str, ...]:
    """Modules of a gateway with these."""
    return (PORT, *[module for model in sorted(set(models)) for module in CODE[model]])


def _meters(models: tuple[str, ...], *where: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "wum_simulator", "serve", *where, "--meters", str(len(models)),
         *[word for model in models for word in ("--model", model)]], stderr=subprocess.DEVNULL)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _flash(keys: Path, broker_port: int, models: tuple[str, ...]) -> Path:
    """What a new board with these keys has on its flash."""
    folder = keys.with_name(keys.name + "-board")
    folder.mkdir()
    configuration = folder / "edge.toml"
    configuration.write_text(_configuration(keys, broker_port, models))
    subprocess.run(
        [sys.executable, "-m", "wum_firmware", "board", "--keys", str(keys), "--config",
         str(configuration), "--catalog", str(CATALOG), "--out", str(folder / "flash"),
         "--status-s", str(STATUS_S)],
        check=True, stdout=subprocess.DEVNULL)
    return folder / "flash"


def _guests() -> list[tuple[Path, str]]:
    return [(path, "/" + path.name) for path in sorted(GUESTS.glob("*.py"))
            if path.name != "__init__.py"] + [(GUEST / "_change.py", "/change.py")]


def _delivered(board: Board, rows: int) -> dict[str, int]:
    """The last word of whole.py, once so many records are archived and acknowledged. Others wait
    then: at this speed the next sweep has begun.
    """
    found: dict[str, int] = {}

    def is_over() -> bool:
        nonlocal found
        if not board.is_on():
            raise SystemExit(f"the gateway ended: {board.said()[-1000:]}")
        lines = [line for line in board.said().splitlines() if line.startswith("HEAP {")]
        found = json.loads(lines[-1][5:]) if lines and lines[-1].endswith("}") else {}
        return bool(found) and found.get("archived", 0) - found.get("backlog", 0) > rows
    _await(is_over, "the gateway does not deliver its hour")
    return found


def _await(is_so: Any, complaint: str) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > until:
            raise SystemExit(complaint)
        time.sleep(0.2)


def _configuration(keys: Path, port: int, models: tuple[str, ...]) -> str:
    now = int(time.time())
    head = (f'[concentrator]\nname = "cabinet"\nkeys = "{keys}"\narchive = "archive"\n'
            f'archive_limit_mb = 1\n[broker]\nhost = "127.0.0.1"\nport = {port}\ntls = false\n'
            f'[clock]\nstart_s = {now - 86400}\nwall_s = {now}\nspeed = {SPEED}\n'
            f'[schedule]\nperiod_s = {3600 // SWEEPS}\n'
            f'[[line]]\nname = "a"\nport = "uart:1"\nbaud = 115200\n')
    return head + "".join(
        f'[[meter]]\nserial = "{model[:4]}-{n}"\nline = "a"\naddress = {n}\nmodel = "{model}"\n'
        + (_ACCESS if model.startswith("dlms") else "") for n, model in enumerate(models, 1))
