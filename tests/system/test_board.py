"""An hour of readings of virtual boards: cuts, resets, hangs, no broker; stored exactly once.

Time is compressed 240 times. The seed is printed; WUM_SEED replays one. Judged by what judges the
Linux street: archives against the database, row by row.
"""

import os
import random
import time

from tests.system.boards import lives
from tests.system.ledger import differences, read_archives, read_database
from tests.system.street import Street
from wum_simulator.board.supervisor import POWER_ON, RESET, WATCHDOG, Supervisor
from wum_simulator.meters.dlms import KEYS

BOARDS, METERS = 3, 10
MODELS = ("eastron-sdm630", "chint-dtsu666", "carlo-gavazzi-em340", "eastron-sdm630",
          "dlms-three-phase")
SPEED, EVERY_S, HOUR_S = 240, 480, 3600
ROWS_LEAST = 5 * BOARDS * METERS                   # Boards that hardly read anything prove nothing.
CUTS, TROUBLES, LATEST_COMMIT = 14, 1, 16          # Of each board; power goes 42 times in all.
BROKER_AWAY_S = 2.0
DRAIN_S = 900.0             # Limits of waits only: a busy machine gives three boards little.
_ACCESS = f"""[meter.access]
client = 3
authentication = "hls-gmac"
protection = "both"
system_title = "57554d0000000001"
encryption_key = "{KEYS.encryption.hex()}"
authentication_key = "{KEYS.authentication.hex()}"
"""


def test_an_hour_of_boards_is_stored_once_whatever_happens_to_them(tmp_path):
    seed = int(os.environ.get("WUM_SEED", random.randrange(10**6)))
    print("WUM_SEED=%d" % seed)
    numbers = tuple(range(1, BOARDS + 1))
    street = Street(tmp_path / "street", concentrators=BOARDS, meters=METERS, speed=SPEED,
                    every_s=EVERY_S, models=MODELS, on_boards=numbers, access={MODELS[-1]: _ACCESS},
                    starts_edges=False)
    supervisors = []
    try:
        street.start()
        for number in numbers:
            supervisors.append(Supervisor(
                street.boards[number].board,
                lives(random.Random(seed + number), CUTS, TROUBLES, LATEST_COMMIT),
                lambda: int(time.time())))
            supervisors[-1].start()
        _hour(street, supervisors)
        last = _settled(street)
        for supervisor in supervisors:
            supervisor.stop()
        _judge(street, supervisors, last)
    finally:
        for supervisor in supervisors:
            supervisor.stop()
            print(supervisor.board.said()[-2000:])
        street.stop()


def _hour(street: Street, supervisors: list[Supervisor]) -> None:
    """An hour at least, and until every planned end has come and enough was read; twice the broker
    is away.
    """
    began = time.monotonic()
    for share in (0.4, 0.8):
        time.sleep(max(0.0, began + share * HOUR_S / SPEED - time.monotonic()))
        street.kill("broker")
        time.sleep(BROKER_AWAY_S)
        street.restart("broker")
    time.sleep(max(0.0, began + HOUR_S / SPEED - time.monotonic()))
    print("an hour after %.0f s, starts: %r" % (
        time.monotonic() - began, [len(one.causes) for one in supervisors]))
    street.wait_for("end of all troubles", lambda: all(
        len(one.causes) > CUTS + 2 * TROUBLES for one in supervisors) or None, DRAIN_S)
    street.wait_for("readings of every meter", lambda: street.ask(
        "select 1 from reading having count(*) > %s and count(distinct meter_id) = %s",
        ROWS_LEAST, BOARDS * METERS) or None, DRAIN_S)


def _settled(street: Street) -> dict[bytes, int]:
    """The last sequence of each archive, once the head-end has all up to it, and some more."""
    def stored() -> dict[bytes, int]:
        rows = street.ask("select incarnation, upper(span) - 1 from archive, "
                          "unnest(received) as span where lower(span) = 1")
        return {bytes(name): int(last) for name, last in rows}
    street.wait_for("every archive", lambda: len(stored()) >= BOARDS or None, DRAIN_S)
    before = stored()

    def have_grown() -> bool | None:
        now = stored()
        return all(now[name] >= before[name] + METERS for name in before) or None
    street.wait_for("what came after the troubles", have_grown, DRAIN_S)
    return stored()


def _judge(street: Street, supervisors: list[Supervisor], last: dict[bytes, int]) -> None:
    folders = street.archives()
    must, may = read_archives(folders, last), read_archives(folders)
    causes = [cause for one in supervisors for cause in one.causes]
    print("%d starts: %d by power, %d by reset, %d by watchdog; %d rows, %d missed" % (
        len(causes), causes.count(POWER_ON), causes.count(RESET), causes.count(WATCHDOG),
        must.rows, len(must.missed)))
    assert [one.ended for one in supervisors] == [None] * BOARDS, "one crashed"
    assert causes.count(POWER_ON) == BOARDS * (CUTS + 1)
    assert causes.count(RESET) == causes.count(WATCHDOG) == BOARDS * TROUBLES
    assert must.rows > ROWS_LEAST
    assert len({key[0] for key in must.values}) == BOARDS * METERS, "some meter was never read"
    assert differences(must, may, read_database(street.database_url)) == []
    notes = " ".join(str(note) for (note,) in street.ask("select note from event"))
    for cause in ("after power on", "after reset", "after watchdog"):
        assert cause in notes
