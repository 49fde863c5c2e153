"""The PostgreSQL that demo and tests bring along."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from demo.embedded_postgres import EmbeddedPostgres, forget
from demo.errors import PostgresFailed
from tests.demo.processes import is_alive, wait_until_gone

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from pathlib import Path
from demo.embedded_postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
print(server.start(), server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path):
    yield tmp_path / "pg"
    forget(tmp_path / "pg")


def answer(url: str, sql: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def test_what_was_written_is_there_at_the_second_start(folder):
    with EmbeddedPostgres(folder) as url:
        answer(url, "CREATE TABLE kept AS SELECT 7 AS n")
    with EmbeddedPostgres(folder) as url:
        assert answer(url, "SELECT n FROM kept") == 7


def test_every_way_in_asks_for_the_password_and_fsync_is_on(folder):
    with EmbeddedPostgres(folder) as url:
        assert answer(url, "SHOW fsync") == "on"
        ways = answer(url, "SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules")
        assert ways == ["scram-sha-256"]
        password = url.split(":")[2].split("@")[0]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.replace(password, "guessed"))
    kept = stat.S_IMODE((folder / "access.json").stat().st_mode)
    assert kept == 0o600


def test_the_server_never_runs_as_root(folder):
    server = EmbeddedPostgres(folder)
    server.start()
    assert os.stat(f"/proc/{server.pid}").st_uid != 0
    server.stop()


def test_a_second_program_over_the_same_folder_is_refused(folder):
    with EmbeddedPostgres(folder), pytest.raises(PostgresFailed, match="another program"):
        EmbeddedPostgres(folder).start()


def test_stop_leaves_no_process(folder):
    server = EmbeddedPostgres(folder)
    server.start()
    pid = server.pid
    server.stop()
    assert not is_alive(pid)


def hold(folder: Path) -> tuple[subprocess.Popen, str, int]:
    program = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    url, pid = program.stdout.readline().split()
    program.stdout.close()
    return program, url, int(pid)


def test_the_server_ends_when_its_program_is_killed_and_starts_again(folder):
    program, url, pid = hold(folder)
    answer(url, "CREATE TABLE kept AS SELECT 7 AS n")
    program.kill()
    program.wait()
    wait_until_gone(pid)
    with EmbeddedPostgres(folder) as url:
        assert answer(url, "SELECT n FROM kept") == 7


def test_after_a_power_cut_the_stale_pid_file_is_no_obstacle(folder):
    program, url, pid = hold(folder)
    answer(url, "CREATE TABLE kept AS SELECT 7 AS n")
    os.kill(pid, signal.SIGKILL)
    program.kill()
    program.wait()
    with EmbeddedPostgres(folder) as url:
        assert answer(url, "SELECT n FROM kept") == 7


def test_a_statement_that_outlives_its_server_is_no_obstacle(folder):
    server = EmbeddedPostgres(folder)
    url = server.start()
    busy = psycopg.connect(url, autocommit=True)
    try:
        busy.pgconn.send_query(b"do $$ begin loop end loop; end $$")
        backend = busy.info.backend_pid
        os.kill(server.pid, signal.SIGKILL)
        while server.pid is not None:
            time.sleep(0.01)
        assert is_alive(backend)
        assert answer(server.restart(), "select 7") == 7
        assert not is_alive(backend)
    finally:
        busy.close()
        server.stop()


def command_line(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "demo/embedded_postgres.py", *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_command_line_leaves_a_server_running_and_finds_it_again(folder):
    first = command_line("start", str(folder))
    again = command_line("start", str(folder))
    assert first.stdout == again.stdout, first.stderr + again.stderr
    assert answer(first.stdout.strip(), "SELECT 1") == 1
    assert command_line("stop", str(folder)).stdout == "stopped\n"
    assert command_line("stop", str(folder)).stdout == "no server there\n"


def test_a_server_left_running_is_ended_by_the_next_program(folder):
    url = command_line("start", str(folder)).stdout.strip()
    before = answer(url, "SELECT pg_postmaster_start_time()")
    with EmbeddedPostgres(folder) as url:
        assert answer(url, "SELECT pg_postmaster_start_time()") > before


def test_data_of_another_version_are_refused_by_name(folder):
    with EmbeddedPostgres(folder):
        pass
    home = Path((folder / "home").read_text()) if (folder / "home").exists() else folder
    (home / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresFailed, match="of PostgreSQL 9, the programs are"):
        EmbeddedPostgres(folder).start()


def test_a_fresh_database_for_each_test(empty_database_url):
    assert answer(empty_database_url, "SELECT count(*) FROM pg_class WHERE relname = 'kept'") == 0
    answer(empty_database_url, "CREATE TABLE kept AS SELECT 7 AS n")


def test_a_fresh_database_for_each_test_again(empty_database_url):
    assert answer(empty_database_url, "SELECT count(*) FROM pg_class WHERE relname = 'kept'") == 0
