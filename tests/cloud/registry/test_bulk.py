"""The registry as a file: every fault is named by row, and an export re-imports to no change.

The size is small here; benchmarks/registry.py does the same with 100,000 meters.
"""

import csv
import io

import psycopg
import pytest

from tests.cloud.registry.town_file import Rows, content, device, plant, register_town, town
from wum_cloud.audit.acts import Actor
from wum_cloud.database import connect
from wum_cloud.registry.bulk.file import BulkRefused, guarded, plain
from wum_cloud.registry.bulk.importing import Report, export_registry, import_registry

METERS = 240
ANA = Actor(1, "ana", "")


async def import_(url: str, file: bytes, *, dry_run: bool = False) -> Report:
    async def told(stage: str, done: int, total: int) -> None:
        stages.append((stage, done, total))

    stages: list[tuple[str, int, int]] = []
    async with await connect(url) as connection:
        report = await import_registry(connection, 1, ANA, file, told, dry_run=dry_run)
    assert stages[0][0] == "reading"
    assert [done for stage, done, _ in stages if stage == "writing"] == sorted(
        [done for stage, done, _ in stages if stage == "writing"]), "progress goes forward"
    return report


async def export(url: str) -> str:
    async with await connect(url) as connection:
        return "".join([part async for part in export_registry(connection, 1)])


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def everything(url: str) -> list[object]:
    return [ask(url, "select * from %s order by 1" % table) for table in (
        "site", "schedule", "schedule_part", "concentrator", "bus", "delivery_point", "meter",
        "audit_entry")]


@pytest.fixture
def url(database_url: str) -> str:
    register_town(database_url, METERS)
    return database_url


def faulty(report: Report) -> set[tuple[int, str]]:
    return {(fault.row, fault.column) for fault in report.faults}


async def test_a_dry_run_names_each_of_fifty_planted_faults_by_row_and_changes_nothing(
        url: str) -> None:
    rows = town(METERS)
    planted = plant(rows)
    before = everything(url)
    report = await import_(url, content(rows), dry_run=True)
    assert len(planted) == 50 and faulty(report) == planted, "each of them, and nothing else"
    assert len(report.faults) == 50 and report.more_faults == 0
    assert all(fault.wanted and fault.got for fault in report.faults)
    assert [fault.row for fault in report.faults] == sorted([f.row for f in report.faults])
    refused = await import_(url, content(rows))
    assert faulty(refused) == planted and everything(url) == before, "all or nothing"


async def test_a_town_comes_in_and_its_export_re_imports_to_no_change(url: str) -> None:
    tried = await import_(url, content(town(METERS)), dry_run=True)
    assert tried.is_good and ask(url, "select count(*) from meter") == [(0,)]
    report = await import_(url, content(town(METERS)))
    assert report.counts == tried.counts, "a dry run tells what the import does"
    assert report.counts["meter"] == {"new": METERS, "changed": 0, "same": 0}
    assert report.counts["concentrator"] == {"new": 0, "changed": 4, "same": 0}
    assert report.counts["site"] == {"new": 5, "changed": 0, "same": 0}
    before = everything(url)
    file = await export(url)
    again = await import_(url, file.encode())
    assert again.is_good and again.changes() == 0 and again.rows == report.rows
    assert everything(url)[:-1] == before[:-1]
    assert await export(url) == file
    rows = list(csv.DictReader(io.StringIO(file)))
    assert rows[-1]["name"] == "M0000239" and rows[-1]["address"] == "60"
    assert ask(url, "select act, detail ->> 'meter' from audit_entry order by number") == [
        ("registry imported", "240 new, 0 changed"), ("registry imported", None)]


async def test_what_differs_is_changed_and_the_rest_is_left_alone(url: str) -> None:
    await import_(url, content(town(METERS)))
    rows = [row for row in town(METERS) if row["kind"] != "site"]
    at = {row["name"]: row for row in rows}
    at["M0000007"].update(address="99", schedule="")
    at["M0000008"].update(concentrator=device(1), address="98")
    at["rs485"].update(baud="19200")
    at["cabinet 0"].update(site="")
    report = await import_(url, content(rows))
    assert report.counts["meter"] == {"new": 0, "changed": 2, "same": METERS - 2}
    assert report.counts["bus"]["changed"] == 1 and report.counts["concentrator"]["changed"] == 1
    assert ask(url, "select address, schedule_id from meter where serial = 'M0000007'") == [
        ("99", None)]
    assert ask(url, "select c.name, b.concentrator_id = m.concentrator_id from meter m"
               " join concentrator c using (concentrator_id) join bus b using (bus_id)"
               " where serial = 'M0000008'") == [("cabinet 1", True)]


async def test_rows_are_held_against_each_other_and_against_the_registry(url: str) -> None:
    await import_(url, content(town(METERS)))
    ask_site: Rows = [
        {"kind": "site", "name": "Ciocana", "site": "Strada 1", "time_zone": "UTC"},   # A ring.
        {"kind": "site", "name": "New", "site": "Nowhere", "time_zone": "UTC"},
        {"kind": "concentrator", "name": "cabinet 1", "concentrator": device(0)},
        {"kind": "bus", "name": "second", "concentrator": device(0), "port": "/dev/ttyS1"},
        {"kind": "meter", "name": "M9", "concentrator": device(0), "model": "m",
         "delivery_point": "DP9", "bus": "rs485", "address": "4"},
        {"kind": "meter", "name": "M0000001", "concentrator": device(0), "model": "m",
         "delivery_point": "DP9", "bus": "rs485", "address": "2"},
        {"kind": "meter", "name": "M0000002", "concentrator": device(0), "model": "m",
         "delivery_point": "DP0000002", "state": "archived"},
        {"kind": "schedule", "name": "odd", "period_s": "60", "offset_s": "60"}]
    report = await import_(url, content(ask_site))
    assert faulty(report) == {
        (2, "site"), (3, "site"), (4, "name"), (5, "port"), (6, "address"),
        (7, "delivery_point"), (8, "state"), (9, "offset_s")}
    sentences = [fault.sentence() for fault in report.faults]
    assert sentences[4] == ('row 6, address: wanted an address that the bus has once, got "4", '
                            "which meter M0000003 has")


def schedule(name: str, **cells: str) -> dict[str, str]:
    return {"kind": "schedule", "name": name, "period_s": "3600", **cells}


async def test_a_schedule_may_have_parts_for_registers_of_their_own(url: str) -> None:
    rows = [*town(METERS), schedule("volts", registers="32.7.0 52.7.0"),
            schedule("billing", registers="*.8.1 *.8.2", period_s="86400"),
            schedule("whole", parts="volts billing")]
    rows[-4]["schedule"] = "whole"
    report = await import_(url, content(rows))
    assert report.is_good and report.counts["schedule"] == {"new": 5, "changed": 0, "same": 0}
    file = await export(url)
    assert (await import_(url, file.encode())).changes() == 0 and await export(url) == file
    assert "schedule,whole" in file and "volts billing" in file
    changed = await import_(url, content([schedule("whole", parts="billing volts"),
                                          schedule("volts", registers="32.7.0 52.7.0")]))
    assert changed.counts["schedule"] == {"new": 0, "changed": 1, "same": 1}
    assert "billing volts" in await export(url)
    await import_(url, content([schedule("whole")]))
    assert ask(url, "select count(*) from schedule_part") == [(0,)]


async def test_faults_of_schedules_and_their_parts_are_named(url: str) -> None:
    await import_(url, content([*town(METERS), schedule("volts", registers="32.7.0"),
                                schedule("whole", parts="volts")]))
    report = await import_(url, content([
        schedule("a", registers="32.7"), schedule("b", parts="volts nowhere"),
        schedule("c", parts="quarter"), schedule("d", parts="volts", registers="1.8.0"),
        schedule("e", parts="volts volts"), schedule("volts"),
        schedule("hourly", registers="1.8.0"),
        {"kind": "meter", "name": "M9", "concentrator": device(0), "model": "m",
         "delivery_point": "DP9", "schedule": "a2"}, schedule("a2", registers="1.8.0")]))
    assert faulty(report) == {(2, "registers"), (3, "parts"), (4, "parts"), (5, "parts"),
                              (6, "parts"), (7, "registers"), (8, "registers"), (9, "schedule")}
    said = {fault.row: fault.sentence() for fault in report.faults}
    assert said[2] == 'row 2, registers: wanted C.D.E or A-B:C.D.E, * for any number, got "32.7"'
    assert said[7] == "row 7, registers: wanted registers, as of a part of whole, got nothing"


async def test_a_concentrator_takes_no_more_than_it_can_work_with(url: str) -> None:
    rows: Rows = [{"kind": "bus", "name": "b%d" % n, "concentrator": device(0),
                   "port": "/dev/ttyS%d" % n} for n in range(17)]
    assert faulty(await import_(url, content(rows))) == {(18, "concentrator")}
    rows = [{"kind": "meter", "name": "N%d" % n, "concentrator": device(0), "model": "m",
             "delivery_point": "D%d" % n} for n in range(1025)]
    assert faulty(await import_(url, content(rows))) == {(1026, "concentrator")}


async def test_another_tenants_concentrators_and_revoked_ones_are_none(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("insert into tenant (name) values ('other')")
        connection.execute("update concentrator set tenant_id = 2 where name = %s", [device(0)])
        connection.execute("update concentrator set revoked_at = now() where name = %s",
                           [device(1)])
    rows: Rows = [{"kind": "concentrator", "name": "mine %d" % n,
                   "concentrator": device(n)} for n in (0, 1, 2)]
    assert faulty(await import_(url, content(rows))) == {(2, "concentrator"), (3, "concentrator")}


@pytest.mark.parametrize(("file", "said"), [
    (b"\xff\xfe", "not UTF-8"), (b"kind,name\n\0", "NUL"), (b'kind,name\n"site', "no CSV")])
async def test_what_is_no_csv_is_refused_with_a_sentence(
        database_url: str, file: bytes, said: str) -> None:
    with pytest.raises(BulkRefused, match=said):
        await import_(database_url, file)


async def test_columns_may_be_left_out_moved_and_separated_by_semicolons(url: str) -> None:
    file = "\ufeffName;KIND;time_zone\r\nWest;site;UTC\r\n\r\n;;\r\n".encode()
    assert (await import_(url, file)).counts["site"]["new"] == 1
    unknown = await import_(url, b"kind,name,colour\nsite,West,red\n")
    assert faulty(unknown) == {(1, "colour")}
    nothing = await import_(url, b"")
    assert faulty(nothing) == {(1, "kind"), (1, "name")}


def test_no_cell_is_a_formula_and_every_cell_comes_back() -> None:
    for cell in ("=1+1", "+4", "-", "@x", "'", "'=", "''", "plain", ""):
        assert plain(guarded(cell)) == cell
        assert guarded(cell)[:1] not in tuple("=+-@")
