"""A street for system tests: the demo's own parts and command lines, with kills at will.

Everything is real: PostgreSQL, mosquitto, ptys, the five distributions' programs. What a part
logs stands in the test's folder.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import psycopg

from demo import mesh
from demo.broker import broker_command, mosquitto_program
from demo.clock import Clock
from demo.embedded_postgres import EmbeddedPostgres
from demo.loopback import free_port
from demo.parts import Part
from demo.place import Place
from demo.steps import run_step
from demo.street import Cabinet
from tests.system.boards import CabinetBoard, with_access

ROOT = Path(__file__).resolve().parents[2]
_BIN = Path(sys.executable).parent
_HEAD_START_S = 86_400
_APPEAR_S = 120.0           # A machine may be busy; a part that ended is noticed at once.
_TICK_S = 0.1
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class StreetClock(Clock):
    """Compressed time in which meters are read every `every_s` seconds of it."""

    every_s: int = 10

    @property
    def period_s(self) -> int:
        return self.every_s


class Street:
    """Some concentrators with their meters, a broker, a database and a head-end."""

    def __init__(self, folder: Path, *, concentrators: int, meters: int, speed: int = 1,
                 every_s: int = 10, fault_share: float = 0.0, has_mesh: bool = False,
                 standby: tuple[int, ...] = (), guests: tuple[int, ...] = (),
                 models: tuple[str, ...] = (), on_boards: tuple[int, ...] = (),
                 access: Mapping[str, str] | None = None, starts_edges: bool = True,
                 stations: tuple[int, ...] = (), epoch_s: int | None = None) -> None:
        """`guests` join the mesh through a neighbour, with keys of their own. `on_boards` are
        virtual boards; `access` is by model; `stations` would be gateways otherwise; with
        `epoch_s` first keys are followed by others after so long."""
        self.place = Place(folder)
        stands = mesh.places(concentrators, standby, stations, on_boards) if has_mesh else {}
        other = {"models": models} if models else {}
        self.cabinets = [Cabinet(n, self.place.cabinet(n), meters, mesh=stands.get(n), **other)
                         for n in range(1, concentrators + 1)]
        self.boards: dict[int, CabinetBoard] = {}
        self._on_boards, self.starts_edges = on_boards, starts_edges
        self._access = access or {}
        self._network = self.place.root / mesh.NETWORK if has_mesh else None
        self._guests = guests
        self._epoch_s = epoch_s
        wall_s = int(time.time())
        head_start_s = _HEAD_START_S if speed > 1 else 0
        self.clock = StreetClock(wall_s - head_start_s, wall_s, speed, every_s)
        self._fault_share = fault_share
        self._postgres = EmbeddedPostgres(self.place.postgres)
        self._parts: dict[str, Part] = {}
        self._environment: dict[str, str] = {}
        self.database_url = ""
        self.web_port = free_port()
        self.broker_port = free_port()

    def start(self) -> None:
        """Start every part; returns when meters answer and ingest listens."""
        assert mosquitto_program() is not None, "mosquitto is missing: apt install mosquitto"
        self.place.make()
        self.database_url = self._postgres.start()
        self._environment = self._settings()
        self._step("wum-cloud", "migrate")
        if self._epoch_s is not None:
            self._step("wum-cloud", "trust", str(self.place.root_key))
        if self._network is not None:
            self._step("wum-firmware", "mesh", str(self._network))
        for cabinet in self.cabinets:
            self._settle(cabinet)
        for cabinet in self.cabinets:
            if self._guests and cabinet.mesh is not None and cabinet.mesh.has_uplink:
                self._mesh("--door", cabinet)
        self._step("wum-cloud", "broker-files", str(self.place.broker))
        _, broker = broker_command(self.place.broker, self.broker_port)
        self._start("broker", broker)
        self._start("ingest", [str(_BIN / "wum-cloud"), "ingest"])
        if self._network is not None:
            self._start("air", self.program("wum-simulator", *mesh.air(
                [cabinet.modem for cabinet in self.cabinets], self.place.air_control,
                self._on_boards)))
        for cabinet in self.cabinets:
            words = [*cabinet.serve(self.clock), "--fault-share", str(self._fault_share)]
            self._start("meters-%d" % cabinet.number, [str(_BIN / "wum-simulator"), *words])
            if cabinet.inputs:
                self._start("inputs-%d" % cabinet.number, [
                    str(_BIN / "wum-simulator"), *cabinet.pulses(self.clock)])
        for cabinet in self.cabinets:
            self.wait_for("a line", lambda cabinet=cabinet: cabinet.bus.exists() or None,
                          _APPEAR_S)
            if cabinet.inputs:
                self.wait_for("inputs", lambda cabinet=cabinet: cabinet.edges.exists() or None,
                              _APPEAR_S)
            if cabinet.number in self._on_boards:
                self.boards[cabinet.number] = CabinetBoard(
                    cabinet, self._environment, self._access)
            if self.starts_edges:
                self.start_edge(cabinet)

    def start_web(self) -> str:
        """Start the console, its JavaScript fetched where it is missing; its address."""
        run_step("vendor", [sys.executable, "-m", "wum_cloud.web.vendor"], self._environment, ROOT)
        self._start("web", [str(_BIN / "wum-cloud"), "web"])
        return "http://127.0.0.1:%d" % self.web_port

    def start_edge(self, cabinet: Cabinet) -> None:
        """Start one concentrator's agent, or its board."""
        if cabinet.number in self.boards:
            self.boards[cabinet.number].start()
            return
        self._start("edge-%d" % cabinet.number, [
            str(_BIN / "wum-edge"), "run", "--config", str(cabinet.configuration),
            *([] if self._epoch_s is None else ["--epoch-s", str(self._epoch_s)])])

    def read_every(self, cabinet: Cabinet, every_s: int) -> None:
        """Another period of its schedule, from the next start of its agent on."""
        cabinet.write_configuration(self.broker_port, replace(self.clock, every_s=every_s))

    def disturb(self, cabinet: Cabinet, model: str, first: int, last: int) -> None:
        """Damage one answer of each meter of `model` that holds registers first..last."""
        many = str(len(cabinet.addresses_of(model)))  # A sweep reads each before any again.
        self._step("wum-simulator", "fault", "wrong-crc", "--control", str(cabinet.control),
                   "--first", str(first), "--last", str(last), "--times", many)

    def kill(self, name: str) -> None:
        """End a part as a power cut would; `database` is a part."""
        if name == "database":
            pid = self._postgres.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            self.wait_for("its end", lambda: self._postgres.pid is None or None, _APPEAR_S)
            return
        if (board := self._board(name)) is not None:
            board.stop()
            return
        part = self._parts[name]
        os.kill(part.pid, signal.SIGKILL)
        part.await_end(time.monotonic() + _APPEAR_S)

    def restart(self, name: str) -> None:
        """Start a part that was killed."""
        if name == "database":
            assert self._postgres.restart() == self.database_url
            return
        if (board := self._board(name)) is not None:
            board.start()
            return
        self._parts[name].start()

    def _board(self, name: str) -> CabinetBoard | None:
        number = name.removeprefix("edge-")
        return self.boards.get(int(number)) if number.isdigit() else None

    def archives(self) -> list[Path]:
        """The folders of all concentrators' archives, wherever they lie."""
        return [self.boards[one.number].archive if one.number in self.boards
                else one.folder / "archive" for one in self.cabinets]

    def pid(self, name: str) -> int:
        """The process of a part."""
        return self._parts[name].pid

    def end(self, name: str) -> None:
        """End a part politely; a board has its plug pulled."""
        if (board := self._board(name)) is not None:
            board.stop()
            return
        part = self._parts[name]
        part.ask_to_end()
        assert part.await_end(time.monotonic() + _APPEAR_S), "%s does not end" % name

    def stop(self) -> None:
        """End everything."""
        for board in self.boards.values():
            board.stop()
        for part in self._parts.values():
            part.ask_to_end()
        until = time.monotonic() + 5
        for part in self._parts.values():
            part.await_end(until)
        self._postgres.stop()

    def ask(self, question: str, *values: object) -> list[tuple[object, ...]]:
        """Rows of the head-end's database."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(question, values).fetchall()  # type: ignore[arg-type]

    def wait_for(self, what: str, look: Callable[[], Result | None],
                 patience_s: float) -> Result:
        """Wait until `look` finds something; a part that ends meanwhile is a failure."""
        deadline = time.monotonic() + patience_s
        while (found := look()) is None:
            assert time.monotonic() < deadline, "no %s after %d s\n%s" % (
                what, patience_s, self.logs())
            time.sleep(_TICK_S)
        return found

    def logs(self) -> str:
        """The end of what every part said, and every gateway whose power is cut."""
        cut = [cabinet.folder / "edge.log" for cabinet in self.cabinets]
        return "\n".join(
            "-- %s/%s\n%s" % (log.parent.name, log.name, log.read_text(errors="replace")[-2000:])
            for log in [*sorted(self.place.logs.glob("*.log")), *filter(Path.exists, cut)])

    def program(self, name: str, *words: str) -> list[str]:
        """A command line of one of the distributions."""
        return [str(_BIN / name), *words]

    @property
    def environment(self) -> dict[str, str]:
        """The head-end's settings."""
        return self._environment

    def _settings(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("WUM_", "PG"))}
        return {
            **inherited,
            "WUM_DATABASE_URL": self.database_url,
            "WUM_BROKER_HOST": "127.0.0.1", "WUM_BROKER_PORT": str(self.broker_port),
            "WUM_BROKER_PASSWORD_FILE": str(self.place.broker_password),
            "WUM_KEY_FILE": str(self.place.key_file),
            "WUM_WEB_HOST": "127.0.0.1", "WUM_WEB_PORT": str(self.web_port),
            "WUM_WEB_FIRST_PASSWORD_FILE": str(self.place.console_password),
            "PYTHONUNBUFFERED": "1",
        }

    def _settle(self, cabinet: Cabinet) -> None:
        cabinet.folder.mkdir(mode=0o700, parents=True)
        self._step("wum-firmware", *cabinet.provision())
        if self._network is not None:
            self._mesh("--invite" if cabinet.number in self._guests else "--admit", cabinet)
        self._step("wum-cloud", *cabinet.register(has_trust=self._epoch_s is not None))
        cabinet.write_configuration(self.broker_port, self.clock)
        if cabinet.number not in self._on_boards:
            there = cabinet.configuration
            there.write_text(with_access(there.read_text(), self._access))

    def _mesh(self, what: str, cabinet: Cabinet) -> None:
        self._step("wum-firmware", "mesh", str(self._network), what, str(cabinet.keys))

    def _step(self, program: str, *words: str) -> None:
        run_step(program, self.program(program, *words), self._environment, ROOT)

    def _start(self, name: str, command: list[str]) -> None:
        part = self._parts.get(name) or Part(
            name, command, self._environment, self.place.logs / ("%s.log" % name), ROOT)
        part.start()
        self._parts[name] = part
