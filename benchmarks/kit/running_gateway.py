"""`wum-edge run` with simulated meters on a pty and a whole head-end, and its memory.

Everything is a process of its own, started by command lines as an operator would.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from kit.head_end import HeadEnd

PERIOD_S = 2
_WAIT_S = 30.0


def largest_mb(folder: Path, meters: int, run_s: float) -> tuple[float, int]:
    """(largest resident size in MB, records archived) of the gateway after so many seconds."""
    with HeadEnd(folder) as head_end:
        keys = head_end.provision("cabinet")
        head_end.start()
        line = folder / "line"
        simulator = subprocess.Popen(
            [sys.executable, "-m", "wum_simulator", "serve", "--link", str(line), "--meters",
             str(meters)], stderr=subprocess.DEVNULL)
        gateway = None
        try:
            _wait_for(line)
            config = folder / "edge.toml"
            config.write_text(_config(keys, folder, line, head_end.broker_port, meters))
            environment = _installed(folder)
            with (folder / "gateway.log").open("wb") as log:
                gateway = subprocess.Popen(
                    [sys.executable, "-m", "wum_edge.ports.linux", "run", "--config", str(config),
                     "--status-s", "1"], stderr=log, stdout=log, env=environment)
            time.sleep(run_s)
            found = _resident_mb(gateway.pid)
        finally:
            for process in (gateway, simulator):
                if process is not None:
                    process.send_signal(signal.SIGTERM)
                    process.wait(_WAIT_S)
        return found, _archived(folder / "gateway.log")


def _config(keys: Path, folder: Path, line: Path, port: int, meters: int) -> str:
    head = (f'[concentrator]\nname = "cabinet"\nkeys = "{keys}"\narchive = "{folder}/archive"\n'
            f'[broker]\nhost = "127.0.0.1"\nport = {port}\ntls = false\n'
            f'[schedule]\nperiod_s = {PERIOD_S}\n'
            f'[[line]]\nname = "a"\nport = "{line}"\nbaud = 115200\n')
    return head + "".join(
        f'[[meter]]\nserial = "M-{n}"\nline = "a"\naddress = {n}\nmodel = "eastron-sdm630"\n'
        for n in range(1, meters + 1))


def _installed(folder: Path) -> dict[str, str]:
    """The environment of a gateway whose bytecode was compiled when it was installed, as pip does:
    compiling at the start would be counted as its largest size.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(
        [sys.executable, "-c", "import wum_edge.ports.linux.__main__, wum_edge.ports.linux.run"],
        env=environment, check=True)
    return environment


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not path.exists():
        if time.monotonic() > deadline:
            raise SystemExit("the simulator does not start")
        time.sleep(0.05)


def _resident_mb(process: int) -> float:
    """The largest resident size so far, as the kernel has it."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit("this kernel does not say how much memory a process takes")


def _archived(log: Path) -> int:
    """Rows that were read, by the log's last sentence; ends the run when nothing was."""
    last = [line for line in log.read_text().splitlines() if "archived" in line or "record" in line]
    if not last:
        raise SystemExit(f"the gateway read nothing: {log.read_text()[-500:]}")
    digits = [int(word.replace(",", "")) for word in last[-1].split()
              if word.replace(",", "").isdigit()]
    return max(digits, default=0)
