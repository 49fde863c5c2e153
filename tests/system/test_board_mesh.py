"""Two boards, one without an uplink: it sends through the other by radio, and changes its keys that
way, while power is cut at seeded flash commits of both; everything is stored exactly once.

In real time: a radio's hour cannot be compressed. The seed is printed; WUM_SEED replays one.
"""

import os
import random
import time
from pathlib import Path

from tests.system.boards import EARLIEST, life
from tests.system.ledger import differences, read_archives, read_database
from tests.system.street import Street
from wum_simulator.board.supervisor import POWER_ON, Life, Supervisor

METERS, EVERY_S = 2, 5
CUTS, LATEST_COMMIT = 2, 12
WAY_S = 600.0                # Limits of waits only.
_HASTE = """
from wum_edge.ports.micropython import renewing
renewing.EPOCH_S, renewing.FIRST_S = 60, 5
main.start()
"""


def test_a_board_without_an_uplink_sends_through_another_and_nothing_is_lost(
        tmp_path: Path) -> None:
    seed = int(os.environ.get("WUM_SEED", random.randrange(10**6)))
    print("WUM_SEED=%d" % seed)
    dice = random.Random(seed)
    street = Street(tmp_path / "street", concentrators=2, meters=METERS, every_s=EVERY_S,
                    has_mesh=True, on_boards=(1, 2), stations=(2,), starts_edges=False, epoch_s=60)
    supervisors: list[Supervisor] = []
    try:
        street.start()
        for number in (1, 2):
            ends = [0, *(dice.randint(EARLIEST, LATEST_COMMIT) for _ in range(CUTS)), 0]
            supervisors.append(Supervisor(street.boards[number].board, iter([
                Life(end, life().main.replace("main.start()\n", _HASTE)) for end in ends]),
                lambda: int(time.time())))
            supervisors[-1].start()
        _stored_more(street, "readings by radio")
        for which in (1, 0):         # First the one behind the mesh, then its gateway.
            board = supervisors[which]
            board.board.cut()
            street.wait_for("all its cuts", lambda board=board: len(
                board.causes) > CUTS + 1 or None, WAY_S)
            _stored_more(street, "readings by radio after cuts")
        street.wait_for("keys of their own in use at both", lambda: street.ask(
            "select count(distinct concentrator_id) from concentrator_epoch"
            " where epoch > 0 and not isempty(uplink_seen)") == [(2,)] or None, WAY_S)
        last = {bytes(name): int(number) for name, number in street.ask(
            "select incarnation, upper(span) - 1 from archive, unnest(received) as span"
            " where lower(span) = 1")}
        for supervisor in supervisors:
            supervisor.stop()
        _judge(street, supervisors, last)
    finally:
        for supervisor in supervisors:
            supervisor.stop()
            print(supervisor.board.said()[-3000:])
        street.stop()


def _stored_more(street: Street, what: str) -> None:
    """Until each meter of the board that has no uplink has two readings more than now."""
    def count() -> dict[object, int]:
        return dict(street.ask(
            "select m.serial, count(r.*) from meter m left join reading r using (meter_id)"
            " where m.serial like 'WUM-2%%' group by 1"))  # type: ignore[arg-type]
    before = count()
    street.wait_for(what, lambda: (found := count()) and len(found) == METERS and all(
        found[serial] >= before.get(serial, 0) + 2 for serial in found) or None, WAY_S)


def _judge(street: Street, supervisors: list[Supervisor], last: dict[bytes, int]) -> None:
    folders = street.archives()
    must, may = read_archives(folders, last), read_archives(folders)
    print("%d rows, %d missed" % (must.rows, len(must.missed)))
    assert [one.causes for one in supervisors] == [[POWER_ON] * (CUTS + 2)] * 2
    assert {key[0] for key in must.values} == {
        "WUM-%d%02d" % (board, meter) for board in (1, 2) for meter in range(1, METERS + 1)}
    assert differences(must, may, read_database(street.database_url)) == []
    ways = street.ask("select count(*) from mesh_station")
    assert ways == [(2,)], "where both stand in the mesh was not told"
