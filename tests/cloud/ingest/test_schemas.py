"""A schema brings meters into the registry, and takes none from anybody."""

import asyncio

from tests.cloud.concentrator import HOUR_S, Concentrator, register_set, schema_of
from tests.cloud.conftest import HeadEnd, Hire
from wum_cloud.database import Pool, open_pool
from wum_cloud.ingest.quarantine import entries
from wum_cloud.registry.schemas.documents import schema_of_document
from wum_shared.batch import Missed
from wum_shared.messages import Schedule, Schema, decode_schema, encode_schema
from wum_shared.status import SILENT, STORED


async def test_meters_delivery_points_and_register_sets_are_made(head_end: HeadEnd) -> None:
    one = Concentrator(sets=[register_set("1-0:1.8.0", "1-0:99.7.1", scaler=-2)])
    await head_end.welcome(one)
    assert head_end.ask(
        "select m.serial, m.model, d.name, m.period_s, m.offset_s from meter m"
        " join delivery_point d using (delivery_point_id) order by 1") == [
            ("M-1", "test", "dp-M-1", 3600, 0), ("M-2", "test", "dp-M-2", 3600, 0)]
    assert head_end.ask("select profile, registers from register_set") == [(0, [
        {"obis": "1-0:1.8.0", "scaler": -2, "unit": 30, "column": "a_plus"},
        {"obis": "1-0:99.7.1", "scaler": -2, "unit": 30, "column": "extra[1]"}])]
    assert head_end.ask("select count(*) from meter_register_set") == [2]
    assert head_end.ask("select schema_id, schema_counter from concentrator") == [
        (one.schema_id, 1)]


async def test_the_same_schema_again_changes_nothing(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    before = head_end.ask("select meter_id, serial, concentrator_id from meter order by 1")
    for _ in range(3):
        await head_end.take(one.send_schema())
    assert head_end.ask(
        "select meter_id, serial, concentrator_id from meter order by 1") == before
    assert head_end.ask("select count(*) from schema_document") == [1]
    assert head_end.ask("select schema_counter from concentrator") == [4]


async def test_a_new_schema_changes_what_is_known_of_a_meter(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    [before] = head_end.ask("select meter_id from meter where serial = 'M-1'")
    changed = schema_of(one.id, ["M-1", "M-3"], [register_set("1-0:2.8.0")], model="other")
    one.use_schema(changed._replace(schedules=(Schedule(900, 60),)))
    await head_end.take(one.send_schema())
    assert head_end.ask(
        "select meter_id, model, period_s, offset_s from meter where serial = 'M-1'") == [
            (before, "other", 900, 60)]
    assert head_end.ask(
        "select serial, registers->0->>'obis' from meter_register_set"
        " join meter using (meter_id) join register_set using (register_set_id) order by 1") == [
            ("M-1", "1-0:2.8.0"), ("M-3", "1-0:2.8.0")]


def _of_sets(one: Concentrator, *schedules: tuple[int, int]) -> Schema:
    """Its schema with a schedule for each of its sets."""
    made = schema_of(one.id, ["M-1"], one.sets)
    return made._replace(schedules=tuple([Schedule(*each) for each in schedules]), meters=tuple([
        m._replace(schedules=tuple(range(len(schedules)))) for m in made.meters]))


async def test_register_sets_of_a_meter_have_schedules_of_their_own(head_end: HeadEnd) -> None:
    one = Concentrator(serials=["M-1"], sets=[
        register_set("1-0:1.8.0"), register_set("1-0:32.7.0"),
        register_set("1-0:2.8.0", profile=1)])
    told = _of_sets(one, (3600, 0), (900, 60), (3600, 0))
    one.use_schema(told)
    await head_end.welcome(one)
    assert schema_of_document(head_end.ask("select document from schema_document")[0]) == told
    sets = dict(head_end.ask("select codes ->> 0, register_set_id from register_set"))
    volts, energy = [sets["1-0:32.7.0"]], [sets["1-0:1.8.0"]]
    standing = ("select part, period_s, offset_s, register_sets from meter_schedule"
                " where valid_from = (select max(valid_from) from meter_schedule) order by part")
    assert head_end.ask(standing) == [(0, 900, 60, volts), (1, 3600, 0, energy)]
    assert head_end.ask("select period_s, offset_s from meter") == [(900, 60)]
    assert head_end.ask(
        "select codes ->> 0, period_s, offset_s from meter_register_set"
        " join register_set using (register_set_id) order by 1") == [
            ("1-0:1.8.0", 3600, 0), ("1-0:2.8.0", None, None), ("1-0:32.7.0", 900, 60)]
    marks = head_end.ask("select count(*) from ledger_mark")
    await head_end.take(one.send_schema())
    assert head_end.ask("select count(*) from ledger_mark") == marks, "the same says nothing new"
    later = _of_sets(one, (3600, 0), (3600, 0), (3600, 0))
    one.use_schema(later._replace(valid_from_s=HOUR_S + 60))
    await head_end.take(one.send_schema())
    assert head_end.ask(standing) == [(0, 3600, 0, sorted(volts + energy))]
    assert head_end.ask("select count(*) from meter_schedule") == [3]
    # Another one since the same moment takes the place of what was said of it.
    one.use_schema(_of_sets(one, (3600, 0), (900, 0), (3600, 0))._replace(
        valid_from_s=HOUR_S + 60))
    await head_end.take(one.send_schema())
    assert head_end.ask(standing) == [(0, 900, 0, volts), (1, 3600, 0, energy)]
    one.use_schema(later._replace(valid_from_s=HOUR_S + 60, meters=()))
    await head_end.take(one.send_schema())
    assert head_end.ask(standing) == [(0, None, 0, [])]


async def test_what_gave_nothing_is_kept_by_set_where_sets_have_their_own_schedules(
        head_end: HeadEnd) -> None:
    one = Concentrator(serials=["M-1"], sets=[
        register_set("1-0:1.8.0"), register_set("1-0:32.7.0"), register_set("1-0:2.8.0")])
    one.use_schema(_of_sets(one, (3600, 0), (900, 0), (1800, 0)))
    await head_end.welcome(one)

    def missed(*sets: int) -> list[Missed]:
        found = [Missed(one.sequence + n, 0, number, HOUR_S, 0, SILENT, "")
                 for n, number in enumerate(sets)]
        one.sequence += len(sets)
        return found

    await head_end.take(one.send_rows(*missed(0, 1)))
    kept = ("select array(select codes ->> 0 from register_set"
            " where register_set_id = any(register_sets) order by 1) from missed")
    assert head_end.ask(kept) == [["1-0:1.8.0", "1-0:32.7.0"]]
    await head_end.take(one.send_rows(*missed(2)))
    assert head_end.ask(kept) == [["1-0:1.8.0", "1-0:2.8.0", "1-0:32.7.0"]]
    two = Concentrator(serials=["M-9"])
    await head_end.welcome(two)
    await head_end.take(two.send_rows(Missed(two.sequence, 0, 0, HOUR_S, 0, SILENT, "")))
    assert head_end.ask("select register_sets from missed join meter using (meter_id)"
                        " where serial = 'M-9'") == [None], "all that was due"


async def test_an_old_schema_message_that_is_sent_again_changes_nothing(
        head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.register(one)
    old = one.send_schema()
    one.use_schema(schema_of(one.id, one.serials, one.sets, model="newer"))
    newer = one.send_schema()
    await head_end.take(newer)
    await head_end.take(old)
    assert head_end.ask("select distinct model from meter") == ["newer"]
    assert head_end.ask("select schema_id from concentrator") == [one.schema_id]
    assert head_end.ask("select count(*) from schema_document") == [2]


async def test_a_batch_by_an_older_schema_is_read_by_that_one(head_end: HeadEnd) -> None:
    one = Concentrator(sets=[register_set("1-0:1.8.0")])
    await head_end.welcome(one)
    batch = one.batch(one.row(0, values=[5]))
    one.use_schema(schema_of(one.id, ["M-2", "M-1"], [register_set("1-0:2.8.0")]))
    await head_end.take(one.send_schema())
    [answer] = await head_end.take(one.send(batch))
    assert one.opened(answer).answer == STORED
    assert head_end.ask("select serial, a_plus, a_minus from reading join meter using (meter_id)"
                        ) == [("M-1", 5, None)]


async def test_a_meter_of_another_concentrator_stays_where_it_is(head_end: HeadEnd) -> None:
    one, two = Concentrator(), Concentrator(serials=["M-2", "M-9"])
    await head_end.welcome(one, two)
    assert head_end.ask("select serial, concentrator_id from meter order by 1") == [
        ("M-1", 1), ("M-2", 1), ("M-9", 2)]
    [(reason, form, detail)] = head_end.ask("select reason, form, detail from quarantine")
    assert (reason, form) == (entries.SCHEMA_REFUSED, "schema")
    assert "M-2 (of %s)" % one.id.hex() in detail
    [answer] = await head_end.take(two.send_rows(two.row(0), two.row(1)))
    said = two.opened(answer)
    assert (said.answer, said.set_aside, said.note) == (STORED, 1, entries.FOREIGN_METER)
    assert [serial for serial, _, _ in head_end.rows()] == ["M-9"]
    assert head_end.count(entries.FOREIGN_METER) == head_end.count(entries.SCHEMA_REFUSED) == 1


async def test_a_meter_moves_when_its_owner_leaves_it_out(head_end: HeadEnd) -> None:
    one, two = Concentrator(), Concentrator(serials=["M-2"])
    await head_end.welcome(one, two)
    await head_end.take(one.send_rows(one.row(1, 0)))
    one.use_schema(schema_of(one.id, ["M-1"], one.sets))
    await head_end.take(one.send_schema())
    await head_end.take(two.send_schema())
    assert head_end.ask("select serial, concentrator_id from meter order by 1") == [
        ("M-1", 1), ("M-2", 2)]
    [answer] = await head_end.take(two.send_rows(two.row(0, 1)))
    assert two.opened(answer).set_aside == 0
    assert [(serial, hour) for serial, hour, _ in head_end.rows()] == [("M-2", 0), ("M-2", 1)]


async def test_the_same_serial_in_two_tenants_is_two_meters(head_end: HeadEnd) -> None:
    one, two = Concentrator(), Concentrator(tenant="other")
    await head_end.welcome(one, two)
    assert head_end.ask("select serial, tenant_id, concentrator_id from meter order by 2, 1") == [
        ("M-1", 1, 1), ("M-2", 1, 1), ("M-1", 2, 2), ("M-2", 2, 2)]
    assert head_end.quarantined() == []


async def test_two_workers_take_in_the_same_meters_without_a_deadlock(
        database_url: str, pool: Pool, hire: Hire) -> None:
    left = hire(pool)
    serials = ["S-%02d" % n for n in range(30)]
    many = [Concentrator(serials=serials[::order]) for order in (1, -1, 1, -1, 1, -1)]
    await left.register(*many)
    async with open_pool(database_url, connections_max=3) as other:
        right = hire(other)
        await asyncio.gather(left.take(*[one.send_schema() for one in many[::2]]),
                             right.take(*[one.send_schema() for one in many[1::2]]))
    assert left.ask("select count(*), count(distinct concentrator_id) from meter") == [(30, 1)]
    assert left.count(entries.SCHEMA_REFUSED) == 5
    assert left.ask("select deadlocks from pg_stat_database where datname = current_database()"
                    ) == [0]


async def test_a_new_key_epoch_is_newer_than_any_counter_of_the_old(head_end: HeadEnd) -> None:
    one = Concentrator(counter=5000)
    await head_end.welcome(one)
    one.epoch, one.counter = 1, 0
    await head_end.register(one)
    one.use_schema(schema_of(one.id, one.serials, one.sets, model="newer", valid_from_s=HOUR_S))
    await head_end.take(one.send_schema())
    assert head_end.ask("select distinct model from meter") == ["newer"]


async def test_many_schemas_at_once_are_as_good_as_one_by_one(head_end: HeadEnd) -> None:
    many = [Concentrator(serials=["S-%d-%d" % (n, m) for m in range(40)]) for n in range(30)]
    await head_end.welcome(*many)
    assert head_end.ask("select count(*), count(distinct concentrator_id) from meter") == [
        (1200, 30)]
    assert head_end.ask("select count(*) from meter_register_set") == [1200]
    assert head_end.ask("select count(*), count(distinct schema_id) from concentrator") == [
        (30, 30)]
    answers = await head_end.take(*[one.send_rows(one.row(7)) for one in many])
    assert [one.opened(answer).answer for one, answer in zip(many, answers, strict=True)] == [
        STORED] * 30
    assert sorted([serial for serial, _, _ in head_end.rows()]) == sorted(
        ["S-%d-7" % n for n in range(30)])


async def test_two_that_claim_a_new_meter_at_once_have_one_owner(head_end: HeadEnd) -> None:
    one, two = Concentrator(serials=["M-1", "M-2"]), Concentrator(serials=["M-3", "M-2"])
    await head_end.welcome(two, one)
    assert head_end.ask("select serial, concentrator_id from meter order by 1") == [
        ("M-1", 2), ("M-2", 1), ("M-3", 1)]
    assert head_end.ask("select serial from meter_register_set join meter using (meter_id)"
                        " order by 1") == ["M-1", "M-2", "M-3"]
    assert head_end.quarantined() == [entries.SCHEMA_REFUSED]


async def test_two_can_swap_their_meters_in_one_transaction(head_end: HeadEnd) -> None:
    one, two = Concentrator(serials=["M-1"]), Concentrator(serials=["M-2"])
    await head_end.welcome(one, two)
    one.use_schema(schema_of(one.id, ["M-2"], one.sets))
    two.use_schema(schema_of(two.id, ["M-1"], two.sets))
    await head_end.take(one.send_schema(), two.send_schema())
    assert head_end.ask("select serial, concentrator_id from meter order by 1") == [
        ("M-1", 2), ("M-2", 1)]
    assert head_end.quarantined() == []


async def test_several_schemas_of_one_concentrator_at_once_keep_their_order(
        head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.register(one)
    messages = []
    for model in ("first", "second", "third"):
        one.use_schema(schema_of(one.id, one.serials, one.sets, model=model))
        messages.append(one.send_schema())
    await head_end.take(messages[1], messages[2], messages[0])
    assert head_end.ask("select distinct model from meter") == ["third"]
    assert head_end.ask("select count(*) from schema_document") == [3]
    assert head_end.ask("select schema_counter from concentrator") == [3]


async def test_a_schema_without_meters_ends_their_schedules(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    one.use_schema(schema_of(one.id, [], one.sets, valid_from_s=HOUR_S + 7200))
    await head_end.take(one.send_schema())
    assert head_end.ask("select period_s from meter_schedule order by meter_id, valid_from") == [
        3600, None, 3600, None]
    assert head_end.ask("select count(*) from meter_register_set") == [0]


def test_a_stored_document_is_read_as_the_wire_is() -> None:
    schema = schema_of(bytes(8), ["M-1", "M-2"], [register_set("1-0:1.8.0", scaler=-2),
                                                  register_set("1-0:99.7.1")])
    assert schema_of_document(encode_schema(schema)) == decode_schema(encode_schema(schema))
