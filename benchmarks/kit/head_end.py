"""A whole head-end for a benchmark: PostgreSQL, mosquitto and `wum-cloud ingest`, each its own
process, in a folder that is thrown away. Started by command lines, as an operator would.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.sql import SQL, Identifier

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))    # `demo` is not installed: it is found in the folder above.

from demo.broker import broker_command, mosquitto_program  # noqa: E402
from demo.embedded_postgres import EmbeddedPostgres, forget  # noqa: E402
from demo.loopback import free_port  # noqa: E402
from demo.tether import tethered  # noqa: E402
from wum_cloud.registry.registration import mosquitto_hash  # noqa: E402
from wum_shared.topics import ROOT as ROOT_TOPIC  # noqa: E402

LOAD = "load"

_WAIT_S = 30.0


class HeadEnd:
    """Use as a context; `provision` before `start_ingest`.

    `server` is the URL of a PostgreSQL that runs: a database of its own is made there, and dropped
    at the end. Without one a PostgreSQL is started.
    """

    def __init__(
            self, folder: Path, server: str | None = None, *, keeps: bool = False) -> None:
        self.folder = folder
        self._keeps = keeps          # The database stays where it is, for the next one.
        self.broker_port = free_port()
        self.database_url = ""
        self._server = server
        self._postgres = EmbeddedPostgres(folder / "postgres")
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "HeadEnd":
        folder = self.folder / "postgres"
        folder.mkdir(exist_ok=self._keeps)
        folder.chmod(0o711)
        self.database_url = self._postgres.start() if self._server is None else self._database()
        try:
            self.command("migrate")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None,
            trace: TracebackType | None) -> None:
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self._processes):
            try:
                process.wait(_WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._server is not None:
            with psycopg.connect(self._server, autocommit=True) as connection:
                connection.execute(SQL("drop database if exists {} with (force)").format(
                    Identifier(urlsplit(self.database_url).path.removeprefix("/"))))
            return
        self._postgres.stop()
        if not self._keeps:
            forget(self.folder / "postgres")

    def _database(self) -> str:
        """A new one on the server that was given."""
        assert self._server is not None
        name = f"bench_{os.getpid()}"
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(SQL("create database {}").format(Identifier(name)))
        return urlunsplit(urlsplit(self._server)._replace(path=f"/{name}"))

    def provision(self, name: str) -> Path:
        """A registered concentrator; the folder of its keys."""
        keys = self.folder / name
        _run([sys.executable, "-m", "wum_firmware", "provision", "--out", str(keys), "--name",
              name], os.environ)
        self.command("register", str(keys / "registration.cose"))
        return keys

    def provision_all(self, count: int) -> list[Path]:
        """So many; the first alone, for it makes the head-end's own key."""
        first, *others = [f"cabinet-{n}" for n in range(count)]
        with ThreadPoolExecutor(os.cpu_count()) as side_by_side:
            return [self.provision(first), *side_by_side.map(self.provision, others)]

    def start(self, *, workers: int = 1, load_password: str = "") -> None:
        """Start the broker and ingest; returns when messages will be heard.

        Several workers share one subscription. With a password there is an account "load" that
        may say and hear what any concentrator may.
        """
        self.command("broker-files", str(self.folder / "broker"))
        if load_password:
            self._add_account(load_password)
        if mosquitto_program() is None:
            raise SystemExit("mosquitto is missing: `apt install mosquitto` brings it.")
        self._start("mosquitto", broker_command(self.folder / "broker", self.broker_port)[1])
        deadline = time.monotonic() + _WAIT_S
        while not self._listens():
            if time.monotonic() > deadline:
                raise SystemExit(f"mosquitto does not listen: {self._said('mosquitto')}")
            time.sleep(0.05)
        for number in range(workers):
            self._start(f"ingest-{number}", [sys.executable, "-m", "wum_cloud", "ingest"],
                        **({"WUM_SHARED_GROUP": "ingest"} if workers > 1 else {}))
        for number in range(workers):
            while "Subscribed" not in self._said(f"ingest-{number}"):
                if time.monotonic() > deadline:
                    raise SystemExit(f"ingest does not start: {self._said(f'ingest-{number}')}")
                time.sleep(0.05)

    def command(self, *arguments: str) -> None:
        """Run `wum-cloud` to its end."""
        _run([sys.executable, "-m", "wum_cloud", *arguments], self._environment())

    def _add_account(self, password: str) -> None:
        with (self.folder / "broker" / "passwords").open("a") as passwords:
            passwords.write(f"{LOAD}:{mosquitto_hash(password, os.urandom(12))}\n")
        with (self.folder / "broker" / "acl").open("a") as rights:
            rights.write(f"\nuser {LOAD}\ntopic write {ROOT_TOPIC}/+/up/#\n"
                         f"topic read {ROOT_TOPIC}/+/down/#\n")

    def _start(self, name: str, command: list[str], **environment: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self._processes.append(subprocess.Popen(
                tethered(command, signal.SIGKILL), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={**self._environment(), **environment}))

    def _said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ, "WUM_DATABASE_URL": self.database_url, "WUM_BROKER_HOST": "127.0.0.1",
            "WUM_BROKER_PORT": str(self.broker_port), "WUM_KEY_FILE": str(self.folder / "key"),
            "WUM_BROKER_PASSWORD_FILE": str(self.folder / "broker.password")}

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.broker_port)) == 0


def _run(command: list[str], environment: "os._Environ[str] | dict[str, str]") -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
