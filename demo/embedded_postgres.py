"""A real PostgreSQL over a folder of the project's choosing: for the demo and for the tests.

    python demo/embedded_postgres.py start FOLDER     prints the URL; the server stays
    python demo/embedded_postgres.py stop FOLDER      ends it
    python demo/embedded_postgres.py forget FOLDER    ends it and removes its data

In a program, `with EmbeddedPostgres(folder) as url:` runs a server that also ends when the
program is killed. Never as root, fsync on, a password for every way in. What a killed program
left behind is found and ended at the next start. Backups and replicas are not its business.
"""

import argparse
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TextIO

if not __package__:  # Started as a file: the folder above is where `demo` is found.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from demo.accounts import Account, account_for
from demo.errors import DemoRefused, PostgresFailed
from demo.loopback import free_port, is_free
from demo.place import write_secret
from demo.postgres_access import DATABASE, USER, Access, read_access, write_access
from demo.postgres_binaries import postgres_programs
from demo.postgres_home import forget_home, home_for
from demo.postgres_process import (
    end,
    end_child,
    end_orphans,
    postmaster_lines,
    running,
)
from demo.tether import tethered

_START_S = 60  # Crash recovery of a small database on a slow disk; initdb is not counted.
_TRIES = 20  # A port may be taken in between.
_LOG_LIMIT_BYTES = 4_000_000  # The log of the run before is kept, older ones are not.
_HASTY = {"fsync": "off", "full_page_writes": "off"}
_SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes, the file's name included.


class EmbeddedPostgres:
    """One server over one folder. Nobody else may start one there meanwhile.

    Not durable: for tests that throw it away. Killed programs lose nothing, a power cut all.
    """

    def __init__(self, folder: Path, *, is_durable: bool = True) -> None:
        self._folder = folder.absolute()
        self._is_durable = is_durable
        self._lock: TextIO | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, *, stays: bool = False) -> str:
        """Start the server and return its URL; make the data first where there are none.

        The server ends with this process and thread, unless it `stays`: then a server that runs
        already is as good. Raises PostgresFailed, NoPostgres, NoAccount, NoHome.
        """
        self._take_lock()
        try:
            left = running(home_for(self._folder) / "data")
            if left and not stays:
                end(left)  # Left behind by a run that was killed.
            elif left:
                return read_access(self._folder).url
            return self._start(stays=stays)
        except BaseException:
            self.stop()
            raise
        finally:
            if stays:
                self._drop_lock()

    def restart(self) -> str:
        """Start the server again after it ended by itself; on its port where that is free."""
        self._server = None
        return self._start(stays=False)

    def stop(self) -> None:
        """End the server if it runs. Returns when no process of it is left."""
        if self._server is not None:
            end_child(self._server)
            self._server = None
        self._drop_lock()

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        return self._server.pid if self._server and self._server.poll() is None else None

    def _start(self, *, stays: bool) -> str:
        home = home_for(self._folder)
        account = account_for(home / "data")
        programs = postgres_programs(account)
        if not (home / "data").is_dir():
            _make_data(home, programs, account, self._folder, is_durable=self._is_durable)
        self._check_version(home, programs)
        access = read_access(self._folder)
        for _ in range(_TRIES):
            if not is_free(access.port):
                access = Access(free_port(), access.password)
            end_orphans(home / "data")
            log = self._log()
            settings = {} if self._is_durable else _HASTY
            self._server = _launch(
                home, programs, account, access.port, log, settings, stays=stays)
            if _is_ready(home, self._server):
                write_access(self._folder, access)
                _make_database(programs, access)
                if stays:
                    self._server = None
                return access.url
            time.sleep(0.5)  # The causes that pass by themselves need a moment.
        raise PostgresFailed(f"PostgreSQL does not start:\n{_last_lines(log)}\nlog: {log}")

    def _check_version(self, home: Path, programs: Path) -> None:
        wanted = (home / "data" / "PG_VERSION").read_text().strip()
        spoken = subprocess.run(
            [str(programs / "postgres"), "--version"], capture_output=True, text=True, check=True
        ).stdout
        found = spoken.split()[2].split(".")[0]
        if found != wanted:
            raise PostgresFailed(
                f"the data in {self._folder} are of PostgreSQL {wanted}, the programs are "
                f"{found}: install that version or forget the data"
            )

    def _log(self) -> Path:
        log = self._folder / "postgres.log"
        if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        return log

    def _take_lock(self) -> None:
        if not self._folder.is_dir():
            self._folder.mkdir(parents=True)
            self._folder.chmod(0o711)  # The server's account passes through, others see nothing.
        self._lock = (self._folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # Ends with its holder.
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            raise PostgresFailed(f"another program runs a server over {self._folder}") from None

    def _drop_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def stop(folder: Path) -> bool:
    """End the server over `folder`; say whether there was one."""
    left = running(home_for(folder.absolute()) / "data")
    if left:
        end(left)
    return left is not None


def forget(folder: Path) -> None:
    """End the server over `folder` and remove its data and its password."""
    stop(folder)
    forget_home(folder.absolute())
    shutil.rmtree(folder, ignore_errors=True)


def _make_data(
    home: Path, programs: Path, account: Account, folder: Path, *, is_durable: bool
) -> None:
    """initdb into a draft, then one rename: a start killed half-way leaves nothing to mend."""
    draft, secret = home / "data.draft", home / "password.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    account.owns(draft)
    access = Access(free_port(), secrets.token_urlsafe(24))
    write_secret(secret, access.password)
    account.owns(secret)
    try:
        made = subprocess.run(
            [
                *(str(programs / "initdb"), "--pgdata", str(draft), "--username", USER),
                *("--pwfile", str(secret), "--auth", "scram-sha-256"),
                *("--encoding", "UTF8", "--locale", "C.UTF-8"),
                *(() if is_durable else ("--no-sync",)),
            ],
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **account.steps_down(),
        )
    finally:
        secret.unlink()
    if made.returncode != 0:
        raise PostgresFailed(f"initdb failed in {home}: {made.stderr.strip()}")
    write_access(folder, access)
    draft.rename(home / "data")


def _launch(
    home: Path,
    programs: Path,
    account: Account,
    port: int,
    log: Path,
    more: dict[str, str],
    *,
    stays: bool,
) -> subprocess.Popen[bytes]:
    socket = home / "socket"
    socket.mkdir(mode=0o700, exist_ok=True)
    account.owns(socket)
    is_short = len(str(socket / f".s.PGSQL.{port}.lock")) < _SOCKET_PATH_LIMIT
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(socket) if is_short else "",
        "log_min_messages": "warning",
        "max_wal_size": "512MB",  # So that a street that runs for weeks does not fill the disk.
        **more,
    }
    command = [str(programs / "postgres"), "-D", str(home / "data")]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as out:
        return subprocess.Popen(
            command if stays else tethered(command, signal.SIGINT, str(account)),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # A terminal's Ctrl-C is the program's to pass on, in order.
            **(account.steps_down() if stays else {}),
        )


def _is_ready(home: Path, server: subprocess.Popen[bytes]) -> bool:
    """Wait until the server accepts connections; False when it ended before."""
    for _ in range(_START_S * 20):
        if server.poll() is not None:
            return False
        lines = postmaster_lines(home / "data")
        if len(lines) > 7 and lines[0] == str(server.pid) and lines[7].strip() == "ready":
            return True
        time.sleep(0.05)
    end_child(server)
    return False


def _make_database(programs: Path, access: Access) -> None:
    """Make the database, unless an earlier start did. It also proves that the server answers."""
    made = subprocess.run(
        [
            *(str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(access.port)),
            *("-U", USER, "-w", DATABASE),
        ],
        env={"PGPASSWORD": access.password, "LC_ALL": "C"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0 and "already exists" not in made.stderr:
        raise PostgresFailed(f"the new server refuses us: {made.stderr.strip()}")


def _last_lines(log: Path, count: int = 8) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])


def main(arguments: list[str] | None = None) -> int:
    """The command line; see the top of this file."""
    parser = argparse.ArgumentParser(description="A real PostgreSQL over a folder.")
    parser.add_argument("act", choices=("start", "stop", "forget"))
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args(arguments)
    try:
        if chosen.act == "start":
            print(EmbeddedPostgres(chosen.folder).start(stays=True))
        elif chosen.act == "stop":
            print("stopped" if stop(chosen.folder) else "no server there")
        else:
            forget(chosen.folder)
    except DemoRefused as error:
        print(f"{chosen.folder}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
