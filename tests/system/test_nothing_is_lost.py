"""Ten minutes of a street in which broker, ingest, database and an agent are killed.

Three concentrators are Linux, one is a MicroPython board; nothing else tells them apart. Time is
compressed ten times. The seed of the kills is printed; WUM_SEED replays one.
"""

import os
import random
import shutil
import tempfile
import time
from pathlib import Path

from tests.system.ledger import differences, read_archives, read_database
from tests.system.street import Street

CONCENTRATORS, METERS = 4, 16
BOARDS = (3,)                 # One of those that are killed: its plug is pulled.
SPEED, EVERY_S, MINUTES = 10, 10, 10
FAULT_SHARE = 0.1             # Of each meter's minutes: noise, silence, slow answers.
# A model that is read in two ranges; one damaged answer to the first makes its registers late.
LATE_MODEL, LATE_FIRST, LATE_LAST = "chint-dtsu666", 4126, 4143
LATE_LEAST = 10               # Rows that come in two parts; fewer would not try their way.
LATE_EVERY_S, LATE_PATIENCE_S = 120, 600.0   # Of one agent alone, which has time to read again.
KILLS = ("broker", "ingest", "database", "edge-2", "ingest", "edge-3", "broker", "database")
DOWN_S = (0.3, 4.0)
START_S = 180.0
DRAIN_S = 600.0               # On a busy machine; chaos/ judges in virtual time how soon it ends.


def test_every_accepted_reading_is_stored_once_whatever_is_killed(tmp_path):
    seed = int(os.environ.get("WUM_SEED", random.randrange(10**6)))
    print("WUM_SEED=%d" % seed)
    street = Street(tmp_path / "street", concentrators=CONCENTRATORS, meters=METERS, speed=SPEED,
                    every_s=EVERY_S, fault_share=FAULT_SHARE, on_boards=BOARDS)
    try:
        street.start()
        street.wait_for("first row", lambda: street.ask("select 1 from reading limit 1") or None,
                        START_S)
        _kill_and_restart(street, random.Random(seed))
        for cabinet in street.cabinets:
            street.end("edge-%d" % cabinet.number)
        folders = street.archives()
        assert _acknowledged_in_vain(street, folders) == []
        _wait_for_late_registers(street, folders)
        last = read_archives(folders).last_sequence
        for cabinet in street.cabinets:
            street.start_edge(cabinet)
        street.wait_for("end of the backlog", lambda: _all_received(street, last), DRAIN_S)
        for cabinet in street.cabinets:
            street.end("edge-%d" % cabinet.number)
        _judge(street, folders, last)
    finally:
        street.stop()


def _kill_and_restart(street: Street, dice: random.Random) -> None:
    """Kills at seeded moments over the whole time, each followed by a restart."""
    span_s = MINUTES * 60 / SPEED
    moments = sorted(dice.uniform(0.0, span_s) for _ in KILLS)
    victims = list(KILLS)
    dice.shuffle(victims)
    began = time.monotonic()
    for moment, victim in zip(moments, victims, strict=True):
        for cabinet in street.cabinets:
            street.disturb(cabinet, LATE_MODEL, LATE_FIRST, LATE_LAST)
        time.sleep(max(0.0, began + moment - time.monotonic()))
        street.kill(victim)
        time.sleep(dice.uniform(*DOWN_S))
        street.restart(victim)
    time.sleep(max(0.0, began + span_s - time.monotonic()))


def _acknowledged_in_vain(street: Street, folders: list[Path]) -> list[str]:
    """What the cursors have passed and the database lacks: before it can have been asked for again,
    which repairs what was never to be broken. The agents are ended, and nothing is on its way.
    """
    found = []
    for name, number in read_archives(folders).cursor.items():
        rows = street.ask(
            "select int8multirange(int8range(1, %s, '[]')) - coalesce((select received + lost"
            "   from archive where incarnation = %s), '{}')", number, name)
        found += ["acknowledged and not stored: %s of %s" % (missing, name.hex())
                  for (missing,) in rows if missing]
    return found


def _wait_for_late_registers(street: Street, folders: list[Path]) -> None:
    """A machine that is too busy for four agents reads nothing twice: then one alone does it, and
    seldom enough to have time for it. The agents are ended before and after.
    """
    here, cabinet = read_archives(folders).late_rows, street.cabinets[0]
    if here > LATE_LEAST:
        return
    wanted = LATE_LEAST - here + read_archives(folders[:1]).late_rows
    street.read_every(cabinet, LATE_EVERY_S)
    street.start_edge(cabinet)
    until = time.monotonic() + LATE_PATIENCE_S
    while _late_rows_so_far(folders[0]) <= wanted and time.monotonic() < until:
        street.disturb(cabinet, LATE_MODEL, LATE_FIRST, LATE_LAST)
        time.sleep(LATE_EVERY_S / SPEED)
    street.end("edge-%d" % cabinet.number)
    street.read_every(cabinet, EVERY_S)


def _late_rows_so_far(folder: Path) -> int:
    """Of an agent that runs: in a copy of its archive, which may end anywhere."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "archive"
        try:
            shutil.copytree(folder, copy)
        except shutil.Error as error:        # A file that was replaced meanwhile: the next time.
            print("archive in motion: %s" % error)
            return 0
        return read_archives([copy]).late_rows


def _all_received(street: Street, last: dict[bytes, int]) -> bool | None:
    received = [street.ask("select received @> int8range(1, %s, '[]') from archive"
                           " where incarnation = %s", number, name)
                for name, number in last.items()]
    return all(rows == [(True,)] for rows in received) or None


def _judge(street: Street, folders: list[Path], last: dict[bytes, int]) -> None:
    """What was accepted before the backlog was waited for must be stored; the rest may be."""
    must, may = read_archives(folders, last), read_archives(folders)
    print("%d rows accepted, %d of them late registers, %d missed" % (
        must.rows, must.late_rows, len(must.missed)))
    assert must.rows > 1000, "a street that hardly read anything proves nothing"
    assert must.late_rows > LATE_LEAST, "without late registers their way is not tried"
    assert must.missed, "without a silent meter no missed row is tried"
    for name, number in last.items():
        assert may.cursor[name] >= number, "backlog: %d of %d are acknowledged" % (
            may.cursor[name], number)
    assert differences(must, may, read_database(street.database_url)) == []
