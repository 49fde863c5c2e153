"""What comes late of a meter that was moved, replaced or archived is still this meter's."""

from datetime import UTC, datetime

from tests.cloud.concentrator import HOUR_S, NOW_S, Concentrator, register_set, schema_of
from tests.cloud.conftest import HeadEnd
from wum_cloud.audit.acts import Actor
from wum_cloud.database import connect
from wum_cloud.ingest.quarantine import entries
from wum_cloud.registry.life import acting
from wum_cloud.registry.life.acting import Displays, Saying, Spot
from wum_cloud.registry.reach import Reach
from wum_shared.messages import Schedule

MINE = Reach(1)
ANA = Actor(1, "ana", "")
SETS = [register_set("1-0:1.8.0")]


def saying(hour: int) -> Saying:
    return Saying(datetime.fromtimestamp(HOUR_S + 3600 * hour, UTC),
                  datetime.fromtimestamp(NOW_S, UTC), "a test of lives")


async def test_what_the_old_concentrator_captured_until_the_move_is_the_meters_still(
        head_end: HeadEnd) -> None:
    """Hours 0 to 3 waited on its flash; the meter went to the other one in hour 2."""
    one, other = Concentrator(["M-1"], SETS), Concentrator(["M-9"], SETS)
    await head_end.welcome(one, other)
    async with await connect(head_end.url) as connection:
        await acting.move(connection, MINE, ANA, "M-1", Spot(other.id.hex()), "", Displays(),
                          saying(2))
    late = one.send_rows(*[one.row(0, hour, [hour]) for hour in range(4)])
    await head_end.take(late)
    assert head_end.rows() == [("M-1", 0, 0), ("M-1", 1, 1), ("M-1", 2, 2)]
    assert head_end.quarantined() == [entries.FOREIGN_METER]
    other.use_schema(schema_of(other.id, ["M-9", "M-1"], SETS, valid_from_s=HOUR_S + 7200))
    await head_end.take(other.send_schema(), other.send_rows(other.row(1, 3, [33])))
    assert head_end.rows()[-1] == ("M-1", 3, 33)
    assert head_end.ask("select c.device_id = %s from meter m join concentrator c"
                        " using (concentrator_id) where serial = 'M-1'", other.id) == [True]


async def test_the_old_concentrator_does_not_take_a_moved_meter_back(head_end: HeadEnd) -> None:
    """It says its schema again, at every start: the registry's word stands. Nobody read M-1 yet."""
    one, other = Concentrator(["M-1"], SETS), Concentrator(["M-9"], SETS)
    await head_end.welcome(one, other)
    head_end.do("delete from meter_register_set")
    async with await connect(head_end.url) as connection:
        await acting.move(connection, MINE, ANA, "M-1", Spot(other.id.hex()), "dp-shop",
                          Displays(), saying(2))
    await head_end.take(one.send_schema())
    where = ("select c.device_id = %s, d.name from meter m join concentrator c"
             " using (concentrator_id) join delivery_point d using (delivery_point_id)"
             " where serial = 'M-1'")
    assert head_end.ask(where, other.id) == [(True, "dp-shop")]
    other.use_schema(schema_of(other.id, ["M-9", "M-1"], SETS))
    await head_end.take(other.send_schema())
    assert head_end.ask(where, other.id) == [(True, "dp-shop")], "a person has said where it is"


async def test_nothing_is_expected_of_an_archived_meter_and_its_late_rows_come(
        head_end: HeadEnd) -> None:
    one = Concentrator(["M-1", "M-2"], SETS)
    await head_end.welcome(one)
    async with await connect(head_end.url) as connection:
        await acting.replace(connection, MINE, ANA, "M-1", "M-3", "test", None, Displays(),
                             saying(5))
    schedules = ("select serial, x.period_s from meter_schedule x join meter using (meter_id)"
                 " order by serial, valid_from")
    wanted = [("M-1", 3600), ("M-1", None), ("M-2", 3600)]
    assert head_end.ask(schedules) == wanted
    assert head_end.ask("select count(*) from ledger_mark where since = to_timestamp(%s)",
                        HOUR_S + 5 * 3600) == [1]
    one.use_schema(schema_of(one.id, ["M-1", "M-2"], SETS, valid_from_s=HOUR_S + 6 * 3600))
    await head_end.take(one.send_schema())      # It has not heard of it yet.
    assert head_end.ask(schedules) == wanted
    await head_end.take(one.send_rows(*[one.row(0, hour, [hour]) for hour in (3, 4)]))
    assert head_end.rows() == [("M-1", 3, 3), ("M-1", 4, 4)]
    told = schema_of(one.id, ["M-3", "M-2"], SETS, valid_from_s=HOUR_S + 7 * 3600)
    one.use_schema(told._replace(schedules=(Schedule(900, 0),)))
    await head_end.take(one.send_schema())
    assert head_end.ask("select serial, x.period_s from meter_schedule x"
                        " join meter using (meter_id)"
                        " where serial = 'M-3'") == [("M-3", 900)]
