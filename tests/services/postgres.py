"""A real PostgreSQL for tests: one server a session, one database a test.

`WUM_TEST_DATABASE_URL` names another server instead (its account may create databases).
The server ends with the session, also when the session is killed. It does not wait for the disk:
what the tests kill are programs; what a full or failing disk does has servers of its own. Its data
lie in memory where there is room: hundreds of databases are made and dropped, of 860 files each,
and some file systems search long for a place for a file after many were removed (ext4 without a
journal: 0.7 s of processor a database, of 0.02 in memory).
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2 * 1000**3  # Far more than a session needs: its log is kept below 0.5 GB.


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server whose account may create databases."""
    given = os.environ.get("WUM_TEST_DATABASE_URL")
    if given:
        yield given
        return
    from demo.embedded_postgres import EmbeddedPostgres, forget

    folder = _folder_in_memory() or tmp_path_factory.mktemp("postgres")
    folder.chmod(0o711)
    with EmbeddedPostgres(folder, is_durable=False) as url:
        yield url
    forget(folder)


def _folder_in_memory() -> Path | None:
    """A folder on a file system that is kept in memory, if there is one with room."""
    try:
        room = shutil.disk_usage(_MEMORY).free
    except OSError:
        return None
    if room < _ROOM_BYTES or not os.access(_MEMORY, os.W_OK):
        return None
    for left in _MEMORY.glob("wum-tests-*"):
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)  # Of a session that was killed.
    folder = _MEMORY / f"wum-tests-{os.getpid()}-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def empty_database_url(postgres_server: str) -> Iterator[str]:
    """A fresh, empty database for one test."""
    with _database(postgres_server, template="template1") as url:
        yield url


@pytest.fixture(scope="session")
def _migrated_template(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with _database(postgres_server, template="template1") as url:
        migrate(url, tmp_path_factory.mktemp("keys") / "key")
        name = urlsplit(url).path.removeprefix("/")
        _close(postgres_server, name)
        yield name


@pytest.fixture
def database_url(postgres_server: str, _migrated_template: str) -> Iterator[str]:
    """A fresh database for one test, with the head-end's tables and nothing in them."""
    with _database(postgres_server, template=_migrated_template) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(postgres_server: str, _migrated_template: str) -> Iterator[str]:
    """As `database_url`, shared by the tests of one file."""
    with _database(postgres_server, template=_migrated_template) as url:
        yield url


def migrate(url: str, key_file: Path) -> None:
    """Bring the database at `url` to the newest layout, by the command line an operator uses."""
    done = subprocess.run(
        [sys.executable, "-m", "wum_cloud", "migrate"],
        env={**os.environ, "WUM_DATABASE_URL": url, "WUM_KEY_FILE": str(key_file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _close(server: str, name: str) -> None:
    """Nobody uses a template while it is copied; TimescaleDB's workers would."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")  # type: ignore[arg-type]
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )


@contextmanager
def _database(server: str, template: str) -> Iterator[str]:
    import psycopg

    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"  # type: ignore[arg-type]
        )
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[arg-type]
