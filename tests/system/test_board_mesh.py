"""Two boards, one without an uplink: it sends through the other by radio, and changes its keys that
way, its own and the network's, while power is cut at seeded flash commits of both; an order is
flooded to both; everything is stored exactly once.

In real time: a radio's hour cannot be compressed. The seed is printed; WUM_SEED replays one.
"""

import json
import os
import random
import time
from pathlib import Path

from tests.system.boards import life
from tests.system.ends import EARLIEST
from tests.system.flooded import order_reaches_all, who_told_of_it
from tests.system.ledger import differences, read_archives, read_database
from tests.system.network_keys import network_key, stations_have
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
        order_reaches_all(street, 2, WAY_S, WAY_S)
        _the_networks_key_changes(street, supervisors)
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


def _the_networks_key_changes(street: Street, supervisors: list[Supervisor]) -> None:
    """By orders, to the second through the first. Power goes while both keys are in force."""
    street.wait_for("a report of both", lambda: street.ask(
        "select 1 from mesh_station having count(*) = 2") or None, WAY_S)
    code, said = network_key(street, "begin")
    assert code == 0 and "0 of 2 stations have it." in said, said
    street.wait_for("the network's new key at both",
                    lambda: stations_have(street, "2 of 2 stations have it."), WAY_S)
    held = [_keys_of(one) for one in supervisors]
    assert len(held[0]) == 2 and held[0] == held[1]
    for one in supervisors:
        one.board.cut()
        street.wait_for("its start", lambda one=one: len(one.causes) > CUTS + 2 or None, WAY_S)
    _stored_more(street, "readings by radio between two keys")
    code, said = network_key(street, "finish")
    assert code == 0, said
    street.wait_for("the end of the old key",
                    lambda: stations_have(street, "2 of them and no other."), WAY_S)
    assert [_keys_of(one) for one in supervisors] == [held[0][1:]] * 2
    _stored_more(street, "readings by radio under the new key")


def _keys_of(supervisor: Supervisor) -> list[tuple[int, str]]:
    """(epoch, key) as they lie on its flash."""
    text = (supervisor.board.description.flash / "keys" / "mesh").read_bytes()[:-9]
    return [(epoch, key) for epoch, key in json.loads(text)["keys"]]


def _judge(street: Street, supervisors: list[Supervisor], last: dict[bytes, int]) -> None:
    folders = street.archives()
    must, may = read_archives(folders, last), read_archives(folders)
    print("%d rows, %d missed" % (must.rows, len(must.missed)))
    assert [one.causes for one in supervisors] == [[POWER_ON] * (CUTS + 3)] * 2
    assert {key[0] for key in must.values} == {
        "WUM-%d%02d" % (board, meter) for board in (1, 2) for meter in range(1, METERS + 1)}
    assert differences(must, may, read_database(street.database_url)) == []
    assert who_told_of_it(street) == ["cabinet-1", "cabinet-2"], "it was carried out once by each"
    ways = street.ask("select count(*) from mesh_station")
    assert ways == [(2,)], "where both stand in the mesh was not told"
