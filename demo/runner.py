"""The demo from start to end: every part in its order, watched, started again, ended.

Starts command lines and imports no room. A part that dies is started again and that is said,
because people are invited to kill things; ending is bounded in time.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TextIO

from demo.broker import PID, broker_command
from demo.clock import Clock, clock_for
from demo.console import sign_in_lines, wait_until_it_answers
from demo.embedded_postgres import EmbeddedPostgres
from demo.endings import Ended, Make, ignore_signals
from demo.errors import StepFailed
from demo.loopback import chosen_port, free_port
from demo.mesh import NETWORK, air, places
from demo.parts import Part
from demo.place import Place, write_secret
from demo.releases import TRUST
from demo.steps import run_step
from demo.street import CONCENTRATORS, METERS, ON_BOARDS, Cabinet, inputs_of, models_of
from demo.summary import Summary
from demo.watch import Watch

ROOT = Path(__file__).resolve().parent.parent
CATALOG = ROOT / "edge" / "wum_edge" / "catalog"
_BIN = Path(sys.executable).parent
_CONSOLE_PORT = 8080
_NEEDED_BYTES = 500_000_000  # Data, write-ahead log and logs of a street that runs for some days.
_APPEAR_S = 20.0  # For a simulator to open its pty.
_STOP_S = 1.8  # For the gateways, then for the rest; the database has its own 4 s after them.


class Runner:
    """One run of the demo in one folder."""

    def __init__(
        self,
        place: Place,
        *,
        port: int | None = None,
        speed: int | None = None,
        concentrators: int = CONCENTRATORS,
        meters: int = METERS,
        boards: int = 0,
        offers_updates: bool = False,
    ) -> None:
        self._place = place
        self._offers_updates = offers_updates
        self._wanted_port = port
        self._speed = speed
        self._on_boards = tuple(n for n in ON_BOARDS[:boards] if n <= concentrators)
        self._cabinets = [
            Cabinet(
                *(n, place.cabinet(n), meters, models_of(n), inputs_of(n, meters)),
                mesh=stands,
                is_board=n in self._on_boards,
            )
            for n, stands in places(concentrators, boards=self._on_boards).items()
        ]
        self._began = time.monotonic()
        self._postgres = EmbeddedPostgres(place.postgres)
        self._parts: list[Part] = []
        self._summary: Summary | None = None
        self._environment: dict[str, str] = {}
        self._make = Make()

    def run(self) -> None:
        """Start everything, then watch until Ended is raised. Always ends what it started."""
        self._place.make()
        claim = self._place.claimed()
        try:
            self._check_disk()
            self._summary = self._start()
            Watch(
                *(self._place, self._postgres, self._parts),
                *(self._environment, self._summary, self._make),
            ).run()
        finally:
            self._end(claim)

    def _start(self) -> Summary:
        console_port, remark = chosen_port(_CONSOLE_PORT, self._wanted_port)
        clock = clock_for(self._place.clock, self._speed)
        self._fetch_console_files()
        url = self._start_database()
        broker_port = free_port()
        self._environment = self._settings(url, broker_port, console_port)
        self._step("database: bringing its tables up to date", "wum-cloud", "migrate")
        self._settle_cabinets(clock, broker_port)
        self._start_broker(broker_port)
        self._start_part("ingest", self._program("wum-cloud", "ingest"))
        self._start_part("web", self._program("wum-cloud", "web"))
        self._start_part("air", self._program("wum-simulator", *air(
            [cabinet.modem for cabinet in self._cabinets], self._place.air_control,
            self._on_boards)))
        for cabinet in self._cabinets:
            bus = self._program("wum-simulator", *cabinet.serve(clock))
            self._start_part(f"meters-{cabinet.number}", bus)
            if cabinet.inputs:
                pulses = self._program("wum-simulator", *cabinet.pulses(clock))
                self._start_part(f"inputs-{cabinet.number}", pulses)
        for cabinet in self._cabinets:
            _wait_for(cabinet.bus, self._parts)
            _wait_for(cabinet.modem, self._parts)
            if cabinet.inputs:
                _wait_for(cabinet.edges, self._parts)
            program = self._program("wum-edge", *cabinet.read())
            if cabinet.is_board:
                program = self._program("wum-simulator", *cabinet.run_board())
            self._start_part(f"edge-{cabinet.number}", program)
        address = f"http://127.0.0.1:{console_port}/"
        wait_until_it_answers(address, self._part("web"))
        write_secret(self._place.environment, json.dumps(self._environment))
        if self._offers_updates and clock.speed == 1:
            self._start_part("updates", [sys.executable, "-m", "demo", "--folder",
                                         str(self._place.root), "offer"])
        self._welcome(address, remark, clock)
        return Summary(url, clock, [p.log for p in self._parts if p.name.startswith("edge")])

    def _fetch_console_files(self) -> None:
        title = "console: looking for its JavaScript and fonts, fetched once by npm"
        self._say(title)
        command = [sys.executable, "-m", "wum_cloud.web.vendor"]
        self._say("console: " + run_step(title, command, os.environ, ROOT))

    def _start_database(self) -> str:
        is_new = not (self._place.postgres / "access.json").exists()
        self._say("database: making a new one" if is_new else "database: starting; data are kept")
        url = self._postgres.start()
        self._say(f"database: PostgreSQL runs (process {self._postgres.pid})")
        return url

    def _settings(self, url: str, broker_port: int, console_port: int) -> dict[str, str]:
        own = {
            "WUM_DATABASE_URL": url,
            "WUM_BROKER_HOST": "127.0.0.1",
            "WUM_BROKER_PORT": str(broker_port),
            "WUM_BROKER_USER": "head-end",
            "WUM_BROKER_PASSWORD_FILE": str(self._place.broker_password),
            "WUM_KEY_FILE": str(self._place.key_file),
            "WUM_BROKER_FOLDER": str(self._place.broker),
            "WUM_RELEASE_TRUST": str(self._place.root / "releases" / TRUST),
            "WUM_WEB_HOST": "127.0.0.1",
            "WUM_WEB_PORT": str(console_port),
            "WUM_WEB_FIRST_PASSWORD_FILE": str(self._place.console_password),
            "PYTHONUNBUFFERED": "1",
        }
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("WUM_", "PG"))}
        return {**inherited, **own}

    def _settle_cabinets(self, clock: Clock, broker_port: int) -> None:
        root = self._place.root_key
        if not root.exists():
            title = "trust: a document, signed by a root of its own"
            self._step(title, "wum-cloud", "trust", str(root))
        network = self._place.root / NETWORK
        if not network.exists():
            self._step("mesh: its network and key", "wum-firmware", "mesh", str(network))
        for cabinet in self._cabinets:
            cabinet.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not cabinet.registration.exists() and not cabinet.is_settled:
                shutil.rmtree(cabinet.keys, ignore_errors=True)  # A provisioning that was killed.
                self._step(
                    f"{cabinet.name}: identity and keys", "wum-firmware", *cabinet.provision()
                )
            self._step(
                f"{cabinet.name}: its place in the mesh",
                *("wum-firmware", "mesh", str(network), "--admit", str(cabinet.keys)),
            )
            if not cabinet.is_settled:
                self._step(f"{cabinet.name}: registering it", "wum-cloud", *cabinet.register())
            cabinet.write_configuration(broker_port, clock)
            if cabinet.is_board:
                self._step(
                    f"{cabinet.name}: the flash of its board",
                    *("wum-firmware", *cabinet.prepare_board(CATALOG)),
                )
            cabinet.bus.unlink(missing_ok=True)
            cabinet.modem.unlink(missing_ok=True)
            cabinet.edges.unlink(missing_ok=True)
        files = ["broker-files", str(self._place.broker)]
        self._step("broker: an account and rights for each", "wum-cloud", *files)

    def _start_broker(self, port: int) -> None:
        name, command = broker_command(self._place.broker, port)
        if name == "mosquitto":  # It is told when somebody is let in; amqtt looks by itself.
            self._environment["WUM_BROKER_PID_FILE"] = str(self._place.broker / PID)
        self._start_part("broker", command)
        self._say(f"broker: {name} on port {port}")

    def _program(self, name: str, *words: str) -> list[str]:
        return [str(_BIN / name), *words]

    def _start_part(self, name: str, command: list[str]) -> None:
        log = self._place.logs / f"{name}.log"
        part = Part(name, command, self._environment, log, ROOT)
        part.start()
        self._parts.append(part)
        self._say(f"{name}: started (process {part.pid})")

    def _part(self, name: str) -> Part:
        return next(part for part in self._parts if part.name == name)

    def _step(self, title: str, program: str, *words: str) -> None:
        self._say(title)
        run_step(title, self._program(program, *words), self._environment, ROOT)

    def _check_make(self) -> None:
        if self._make.is_ending():
            raise Ended("the signal that make got")

    def _check_disk(self) -> None:
        free = _free_bytes(self._place.root)
        if free < _NEEDED_BYTES:
            raise StepFailed(
                f"The disk is nearly full: {free / 1e6:.0f} MB are free in {self._place.root}, "
                f"and the demo needs {_NEEDED_BYTES / 1e6:.0f} MB."
            )

    def _welcome(self, address: str, remark: str, clock: Clock) -> None:
        names = ", ".join(part.name for part in self._parts)
        lines = [
            "",
            f"  Console   {address}" + (f"   ({remark})" if remark else ""),
            *sign_in_lines(self._place),
            f"  Time      {clock}",
            f"  Kill any  make demo-kill WHAT=...   of: database, {names}",
            f"  Logs      {self._place.logs}",
            *_update_lines(address, self._offers_updates and clock.speed == 1),
            "  End       Ctrl-C; the data stay (make clean-demo forgets them)",
            "",
        ]
        print("\n".join(lines), flush=True)

    def _say(self, line: str) -> None:
        self._check_make()
        print(f"[{time.monotonic() - self._began:5.1f} s] {line}", flush=True)

    def _end(self, claim: TextIO) -> None:
        ignore_signals()
        edges = [part for part in self._parts if part.name.startswith("edge")]
        others = [part for part in self._parts if part not in edges]
        forced = []
        for group in (edges, others):  # A gateway whose bus vanishes first would report that.
            until = time.monotonic() + _STOP_S
            for part in group:
                part.ask_to_end()
            forced += [part.name for part in group if not part.await_end(until)]
        if self._summary is not None:
            self._summary.close()
        self._postgres.stop()
        self._place.parts.unlink(missing_ok=True)
        claim.close()
        if forced:
            print(f"ended by force: {', '.join(forced)}", flush=True)


def _update_lines(address: str, is_offered: bool) -> list[str]:
    return [
        f"  Updates   {address}campaigns: in a minute, a better release waits there for you to",
        "            approve it, and after it one that crashes (or: make demo-update)",
    ] if is_offered else []


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _wait_for(path: Path, parts: list[Part]) -> None:
    """Wait until `path` is there, or a part has ended and says why."""
    deadline = time.monotonic() + _APPEAR_S
    while not path.exists():
        for part in parts:
            if not part.is_running():
                raise StepFailed(f"{part.name} ended:\n{part.last_words()}")
        if time.monotonic() > deadline:
            raise StepFailed(f"{path} did not appear within {_APPEAR_S:.0f} s")
        time.sleep(0.05)
