"""Full and read-only disks and wrong clocks, at concentrators and at the head-end, with the real
processes.

Each is said where a person looks, in the log, by `wum-cloud doctor` and on the console, nothing is
lost by it, and when it is over nobody has to help. Left out: what is said of each state in detail
(tests/cloud/ingest/test_conditions.py, test_disk_and_clock.py there), and full disks of the
database (test_full_disk.py there).
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from demo.parts import Part
from demo.street import Cabinet
from tests.services.small_disk import SmallDisk, small_disk
from tests.system.ledger import differences, read_archives, read_database
from tests.system.street import Street

_SHIM = Path(__file__).resolve().parents[1] / "services" / "shim"
_PATIENCE_S = 180.0
_YEARS_S, _HOURS_S = 3 * 365 * 86400, 5 * 3600
_DISK_MB = 2
_DOCTOR_S = 1.0         # Between two looks: each is a process with a second's work.
_LISTENS = "Subscribed to wum/0/+/up/+ "
_FULL, _AHEAD, _BEHIND, _READ_ONLY = 1, 2, 3, 4     # The cabinets, by what befalls them.
_METERS = {_FULL: 8, _AHEAD: 1, _BEHIND: 1, _READ_ONLY: 1}

# What the head-end's machine would show if its clock were wrong: its database asks it, too.
_SHIFT = """
    create schema if not exists shim;
    create or replace function shim.now() returns timestamptz language sql stable
        as $$ select pg_catalog.now() + interval '%d s' $$;
    do $$ begin execute 'alter database ' || quote_ident(current_database())
        || ' set search_path = shim, pg_catalog, public'; end $$"""


class _Wrong(Street):
    """Every part has a clock of its own; two cabinets have a small disk each."""

    def __init__(self, folder: Path, disk: SmallDisk, other: SmallDisk) -> None:
        super().__init__(folder, concentrators=len(_METERS), meters=1, every_s=1)
        self.cabinets = [Cabinet(number, self.place.cabinet(number), meters)
                         for number, meters in _METERS.items()]
        self.disk = disk
        self.disks = {_FULL: disk.folder, _READ_ONLY: other.folder}

    def set_clock(self, name: str, offset_s: int) -> None:
        """Of a part, from now on."""
        draft = self.place.root / "clock.draft"
        draft.write_text(str(offset_s))
        draft.rename(self._clock(name))

    def set_head_end_clock(self, offset_s: int) -> None:
        """Of ingest and of its database; both are started anew, and so are the concentrators."""
        self.set_clock("ingest", offset_s)
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute((_SHIFT % offset_s).encode())
        log = self.place.logs / "ingest.log"
        before = log.read_text().count(_LISTENS)
        self.kill("ingest")
        self.restart("ingest")
        # What nobody listens for is lost, and told again a day later.
        self.wait_for("ingest", lambda: log.read_text().count(_LISTENS) > before or None,
                      _PATIENCE_S)
        for number in _METERS:
            self.kill("edge-%d" % number)
            self.restart("edge-%d" % number)

    def make_read_only(self, number: int) -> None:
        """The disk of a cabinet, archive and message counters, while its agent runs."""
        note = self.place.root / "read-only.draft"
        note.write_text(str(self.disks[number]))
        note.rename(self._note(number))

    def make_writable(self, number: int) -> None:
        """What make_read_only did is over."""
        self._note(number).unlink()

    def mount(self, number: int, how: str) -> None:
        """Mount the disk of a cabinet anew: "ro" or "rw"; nobody may be writing on it for "ro"."""
        subprocess.run(["mount", "-o", "remount," + how, str(self.disks[number])], check=True)

    def set_database_read_only(self, how: str) -> None:
        """Whether the database takes writes from now on: "on" for none."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute("set default_transaction_read_only = off")
            connection.execute(f"alter system set default_transaction_read_only = {how}".encode())
            connection.execute("select pg_reload_conf()")

    def until_doctor(self, *says: str, never: str = "") -> None:
        """Wait until `wum-cloud doctor` says all of these, and does not say `never`."""
        began = time.monotonic()

        def look() -> bool | None:
            nonlocal began
            time.sleep(max(0.0, began - time.monotonic()))
            began = time.monotonic() + _DOCTOR_S
            self.heard = subprocess.run(
                self.program("wum-cloud", "doctor"), env=self.environment, capture_output=True,
                text=True, check=False).stdout
            return all(one in self.heard for one in says) and not (
                never and never in self.heard) or None
        try:
            self.wait_for("word of it", look, _PATIENCE_S)
        except AssertionError:
            print(self.heard)
            raise

    def _settle(self, cabinet: Cabinet) -> None:
        super()._settle(cabinet)
        if cabinet.number in self.disks:
            archive = self.disks[cabinet.number] / "archive"
            archive.mkdir(mode=0o700)
            (cabinet.folder / "archive").symlink_to(archive)
        if cabinet.number == _READ_ONLY:
            shutil.move(cabinet.keys, self.disks[_READ_ONLY] / "keys")
            cabinet.keys.symlink_to(self.disks[_READ_ONLY] / "keys")

    def _clock(self, name: str) -> Path:
        return self.place.root / ("clock-" + name)

    def _note(self, number: int) -> Path:
        return self.place.root / ("read-only-edge-%d" % number)

    def _start(self, name: str, command: list[str]) -> None:
        path = os.pathsep.join([str(_SHIM), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        self._parts.setdefault(name, Part(
            name, command, {**self.environment, "PYTHONPATH": path,
                            "WUM_TEST_CLOCK": str(self._clock(name)),
                            "WUM_TEST_READ_ONLY": str(self.place.root / ("read-only-" + name))},
            self.place.logs / ("%s.log" % name), self.place.root))
        super()._start(name, command)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[_Wrong]:
    """Concentrators that deliver."""
    with ExitStack() as ends:
        made = _Wrong(tmp_path / "street", ends.enter_context(small_disk(_DISK_MB)),
                      ends.enter_context(small_disk(_DISK_MB)))
        ends.callback(made.stop)
        made.start()
        _wait_for_rows(made)
        made.until_doctor("registered", never="cannot store")
        yield made


def _rows(street: _Wrong) -> dict[object, int]:
    """How many are stored, by cabinet."""
    return dict(street.ask(
        "select c.name, count(*) from reading r join meter m using (meter_id)"
        " join concentrator c on c.concentrator_id = m.concentrator_id group by 1"))


def _wait_for_rows(street: _Wrong) -> None:
    """New ones of every concentrator."""
    before = _rows(street)
    street.wait_for("rows of all", lambda: all(
        _rows(street).get(one.name, 0) > before.get(one.name, 0) for one in street.cabinets
    ) or None, _PATIENCE_S)


def test_disks_and_clocks_that_are_wrong_are_said_and_nothing_is_lost(street: _Wrong) -> None:
    _concentrators_go_wrong_and_right(street)
    _a_start_on_a_read_only_disk_waits_for_it(street)
    _a_database_that_takes_no_writes_is_waited_for(street)
    street.set_head_end_clock(-_YEARS_S)
    street.until_doctor("4 of 4 concentrators tell another time", "its own clock is behind",
                        "this machine's clock is behind")
    street.set_head_end_clock(_YEARS_S)
    street.until_doctor("4 of 4 concentrators tell another time", "its own clock is ahead")
    street.set_head_end_clock(0)
    street.until_doctor("registered", never="another time")
    _wait_for_rows(street)
    _nothing_is_lost(street)


def _concentrators_go_wrong_and_right(street: _Wrong) -> None:
    street.disk.fill()
    street.make_read_only(_READ_ONLY)
    street.set_clock("edge-%d" % _AHEAD, _YEARS_S)
    street.set_clock("edge-%d" % _BEHIND, -_HOURS_S)
    street.until_doctor(
        "2 concentrators cannot store what they read:", "cabinet-%d: the disk is full" % _FULL,
        "Free space there", "cabinet-%d: the disk is read-only since" % _READ_ONLY,
        "Mount it for writing", "The clock of 2 concentrators is wrong: cabinet-%d is 109" % _AHEAD,
        "days ahead, cabinet-%d is" % _BEHIND, "look at their clocks")
    assert "the disk is full" in _log(street, _FULL)
    assert "the disk is read-only" in _log(street, _READ_ONLY)
    assert "clock moved by +9460" in _log(street, _AHEAD)
    assert "clock moved by -180" in _log(street, _BEHIND)
    assert "cannot store what it reads: the disk is read-only since" in _page(street, _READ_ONLY)
    street.disk.make_room()
    street.make_writable(_READ_ONLY)
    for number in (_AHEAD, _BEHIND):
        street.set_clock("edge-%d" % number, 0)
    street.until_doctor("registered", never="cannot store")
    street.until_doctor("registered", never="is wrong: ")
    assert "flash takes records again" in _log(street, _READ_ONLY)
    _wait_for_rows(street)


def _a_start_on_a_read_only_disk_waits_for_it(street: _Wrong) -> None:
    """The kernel's own read-only: it sends nothing, for its message counters lie there too."""
    name = "edge-%d" % _READ_ONLY
    street.kill(name)
    street.mount(_READ_ONLY, "ro")
    before = len(_log(street, _READ_ONLY))
    street.restart(name)
    street.wait_for("word of it", lambda: (
        "the disk is read-only" in _log(street, _READ_ONLY)[before:]) or None, _PATIENCE_S)
    assert "Mount it for writing" in _log(street, _READ_ONLY)[before:]
    street.mount(_READ_ONLY, "rw")
    _wait_for_rows(street)


def _a_database_that_takes_no_writes_is_waited_for(street: _Wrong) -> None:
    street.set_database_read_only("on")
    street.until_doctor("it takes no writes", "mount it for writing")
    log = street.place.logs / "ingest.log"
    street.wait_for("word of it", lambda: "it takes no writes" in log.read_text() or None,
                    _PATIENCE_S)
    street.set_database_read_only("off")
    _wait_for_rows(street)
    street.until_doctor("registered", never="it takes no writes")


def _page(street: _Wrong, number: int) -> str:
    """What the console shows of a concentrator."""
    address = street.start_web()
    password = street.wait_for("the console", lambda: (
        street.place.console_password.exists() and street.place.console_password.read_text().strip()
    ) or None, _PATIENCE_S)
    [(device,)] = street.ask(
        "select encode(device_id, 'hex') from concentrator where name = %s", "cabinet-%d" % number)
    with httpx.Client(base_url=address, headers={"origin": address}) as console:
        street.wait_for("the console", lambda: _answers(console) or None, _PATIENCE_S)
        assert console.post("/sign-in", data={
            "name": "admin", "password": password, "next": "/"}).status_code == 303
        page = console.get("/concentrators/%s" % device).text
    street.end("web")
    return page


def _answers(console: httpx.Client) -> bool:
    try:
        return console.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def _log(street: _Wrong, number: int) -> str:
    return (street.place.logs / ("edge-%d.log" % number)).read_text()


def _nothing_is_lost(street: _Wrong) -> None:
    """Each record of each archive is stored, or stands in the quarantine with its bytes."""
    for number in _METERS:
        street.end("edge-%d" % number)
    folders = [cabinet.folder / "archive" for cabinet in street.cabinets]
    accepted = read_archives(folders)
    for name, cursor in accepted.cursor.items():
        assert street.ask("select received @> int8range(1, %s, '[]') from archive"
                          " where incarnation = %s", cursor, name) == [(True,)]
    must = read_archives(folders, accepted.cursor)
    [(aside,)] = street.ask("select sum(n) from ingest_count where what = 'captured in the future'")
    missing = {(said.split()[1], said.split()[2]) for said in differences(
        must, accepted, read_database(street.database_url))}
    assert must.rows > 20 and 0 < len(missing) <= aside
