"""A gateway on Linux whose power is cut: to a test what a Supervisor is of a virtual board.

Left out: how its lives end (ends.py), and what ends them (linux_power.py).
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from demo.street import Cabinet
from demo.tether import tethered
from tests.system.ends import End
from wum_edge.ports.linux.renewing import EPOCH_S
from wum_simulator.board.supervisor import CRASHED, POWER_ON

_ROOT = Path(__file__).resolve().parents[2]
_END_S = 60.0


class LinuxGateway:
    """Keeps the gateway of a cabinet running: after each end it is started again; after the last
    that is planned, once it is told to go on.
    """

    def __init__(self, cabinet: Cabinet, environment: Mapping[str, str], ends: Iterator[End],
                 planned: int, seed: int, epoch_s: int = EPOCH_S) -> None:
        self.causes: list[int] = []          # Of every start.
        self.ended: int | None = None
        self._cabinet, self._environment = cabinet, environment
        self.planned = planned
        self._ends, self._seed, self._epoch_s = ends, seed, epoch_s
        self._log = cabinet.folder / "edge.log"
        self._process: subprocess.Popen[str] | None = None
        self._stopping, self._going_on = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def start(self) -> None:
        """Switch on for the first time."""
        command = [sys.executable, "-m", "tests.system.linux_power",
                   str(self._cabinet.configuration), str(self._seed), str(self._epoch_s)]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                tethered(command, signal.SIGKILL), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, text=True, bufsize=1, cwd=_ROOT, start_new_session=True,
                env={**self._environment, "PYTHONPATH": os.pathsep.join(
                    [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])})
        self._thread.start()

    def go_on(self) -> None:
        """Live on in peace. Before, it waits for whoever else has ends to come, and costs nothing.
        """
        self._going_on.set()

    def stop(self) -> None:
        """Pull the plug for good, of whatever holds it too."""
        self._stopping.set()
        self._going_on.set()
        if self._process is not None:
            self._process.kill()
            self._process.wait(_END_S)
            self._thread.join(_END_S)
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()

    def said(self) -> str:
        """All that it has logged, over all its starts."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def _run(self) -> None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        cause = POWER_ON
        while not self._stopping.is_set():
            self.causes.append(cause)
            if len(self.causes) > self.planned:
                self._going_on.wait()
            if self._stopping.is_set():
                return
            process.stdin.write(json.dumps(asdict(next(self._ends))) + "\n")
            said = process.stdout.readline()
            cause = int(said) if said else CRASHED
            if cause == CRASHED:
                self.ended = None if self._stopping.is_set() else CRASHED
                return
