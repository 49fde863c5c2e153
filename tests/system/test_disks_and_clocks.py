"""A full disk and wrong clocks, at concentrators and at the head-end, with the real processes.

Each is said where a person looks, `wum-cloud doctor`, and nothing is lost by it. Left out: what is
said of each state in detail (tests/cloud/ingest/test_conditions.py, test_disk_and_clock.py there),
and disks of the database (test_full_disk.py there).
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from demo.parts import Part
from demo.street import Cabinet
from tests.services.small_disk import SmallDisk, small_disk
from tests.system.ledger import differences, read_archives, read_database
from tests.system.street import Street

_SHIM = Path(__file__).resolve().parents[1] / "services" / "clock_shim"
_PATIENCE_S = 180.0
_YEARS_S, _HOURS_S = 3 * 365 * 86400, 5 * 3600
_DISK_MB = 2
_LISTENS = "Subscribed to wum/0/+/up/+ "
_FULL, _AHEAD, _BEHIND = 1, 2, 3        # The cabinets, by what befalls them.
_METERS = {_FULL: 8, _AHEAD: 1, _BEHIND: 1}

# What the head-end's machine would show if its clock were wrong: its database asks it, too.
_SHIFT = """
    create schema if not exists shim;
    create or replace function shim.now() returns timestamptz language sql stable
        as $$ select pg_catalog.now() + interval '%d s' $$;
    do $$ begin execute 'alter database ' || quote_ident(current_database())
        || ' set search_path = shim, pg_catalog, public'; end $$"""


class _Wrong(Street):
    """Every part has a clock of its own; one cabinet has a small disk."""

    def __init__(self, folder: Path, disk: SmallDisk) -> None:
        super().__init__(folder, concentrators=len(_METERS), meters=1, every_s=1)
        self.cabinets = [Cabinet(number, self.place.cabinet(number), meters)
                         for number, meters in _METERS.items()]
        self.disk = disk

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

    def until_doctor(self, *says: str, never: str = "") -> None:
        """Wait until `wum-cloud doctor` says all of these, and does not say `never`."""
        def look() -> bool | None:
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
        if cabinet.number == _FULL:
            (cabinet.folder / "archive").symlink_to(self.disk.folder)

    def _clock(self, name: str) -> Path:
        return self.place.root / ("clock-" + name)

    def _start(self, name: str, command: list[str]) -> None:
        path = os.pathsep.join([str(_SHIM), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        self._parts.setdefault(name, Part(
            name, command, {**self.environment, "PYTHONPATH": path,
                            "WUM_TEST_CLOCK": str(self._clock(name))},
            self.place.logs / ("%s.log" % name), self.place.root))
        super()._start(name, command)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[_Wrong]:
    """Concentrators that deliver."""
    with ExitStack() as ends:
        made = _Wrong(tmp_path / "street", ends.enter_context(small_disk(_DISK_MB)))
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


def test_full_disks_and_wrong_clocks_are_said_and_nothing_is_lost(street: _Wrong) -> None:
    street.disk.fill()
    street.set_clock("edge-%d" % _AHEAD, _YEARS_S)
    street.set_clock("edge-%d" % _BEHIND, -_HOURS_S)
    street.until_doctor(
        "1 concentrator cannot store what it reads: cabinet-%d: the disk is full since" % _FULL,
        "Free space there", "The clock of 2 concentrators is wrong: cabinet-%d is 109" % _AHEAD,
        "days ahead, cabinet-%d is" % _BEHIND, "look at their clocks")
    assert "the disk is full" in _log(street, _FULL)
    assert "clock moved by +9460" in _log(street, _AHEAD)
    assert "clock moved by -180" in _log(street, _BEHIND)
    street.disk.make_room()
    for number in (_AHEAD, _BEHIND):
        street.set_clock("edge-%d" % number, 0)
    street.until_doctor("registered", never="cannot store")
    street.until_doctor("registered", never="is wrong: ")
    _wait_for_rows(street)

    street.set_head_end_clock(-_YEARS_S)
    street.until_doctor("3 of 3 concentrators tell another time", "its own clock is behind",
                        "this machine's clock is behind")
    street.set_head_end_clock(_YEARS_S)
    street.until_doctor("3 of 3 concentrators tell another time", "its own clock is ahead")
    street.set_head_end_clock(0)
    street.until_doctor("registered", never="another time")
    _wait_for_rows(street)
    _nothing_is_lost(street)


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
