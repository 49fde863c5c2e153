"""What concentrators send is stored exactly once, and the answer says what became of it."""

import itertools

from tests.cloud.concentrator import CODES, HOUR_S, Concentrator, digest_of, register_set
from tests.cloud.conftest import HeadEnd
from wum_cloud.registry.quantities import COLUMN_BY_OBIS
from wum_shared.batch import Event, Lost, Missed
from wum_shared.obis import obis_from_text
from wum_shared.status import ABSENT, LATE, SCHEMA_UNKNOWN, SILENT, STORED

_COLUMNS = [COLUMN_BY_OBIS[obis_from_text(code)] for code in CODES]


async def test_a_batch_is_stored_and_the_answer_names_it(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    batch = one.batch(one.row(0, 0), one.row(1, 0), one.row(0, 1))
    [answer] = await head_end.take(one.send(batch))
    said = one.opened(answer)
    assert (said.answer, said.set_aside, said.note) == (STORED, 0, "")
    assert (said.concentrator, said.incarnation) == (one.id, one.incarnation)
    assert (said.first_sequence, said.last_sequence) == (1, 3)
    assert said.digest == digest_of(batch)
    assert head_end.rows() == [("M-1", 0, 1000), ("M-1", 1, 2000), ("M-2", 0, 1100)]


async def test_every_value_stands_in_its_column(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    row = one.row(values=[2**62 - 1, -(2**62), *range(10)])
    await head_end.take(one.send_rows(row))
    assert head_end.ask("select %s from reading" % ", ".join(_COLUMNS)) == [row.values]
    assert head_end.ask("select statuses, extra, q, pf from reading") == [(None,) * 4]


async def test_absent_registers_are_null_with_their_status(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    whole, partial = one.row(0), one.row(1, values=[None, 5, None, *range(9)])
    await head_end.take(one.send_rows(whole, partial))
    assert head_end.ask("select %s from reading order by meter_id" % ", ".join(_COLUMNS)) == [
        whole.values, partial.values]
    assert head_end.ask("select statuses from reading order by meter_id") == [
        None, [ABSENT, 0, ABSENT] + [0] * 9]


async def test_registers_without_a_column_stand_in_extra(head_end: HeadEnd) -> None:
    set_ = register_set("1-0:1.8.0", "1-0:99.7.1", "1-0:99.7.2", "1-0:2.8.0", "1-0:99.7.3")
    one = Concentrator(sets=[set_])
    await head_end.welcome(one)
    await head_end.take(one.send_rows(
        one.row(0, values=[1, 2, 3, 4, 5]), one.row(1, values=[1, None, 3, None, 5])))
    assert head_end.ask("select a_plus, a_minus, extra from reading order by meter_id") == [
        (1, 4, [2, 3, 5]), (1, None, [None, 3, 5])]
    assert head_end.ask("select registers->1->>'column' from register_set") == ["extra[1]"]


async def test_duplicates_in_any_order_leave_every_reading_exactly_once(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    batches = [one.batch(one.row(0, hour), one.row(1, hour)) for hour in range(4)]
    for order in itertools.islice(itertools.permutations(batches), 0, 24, 5):
        answers = await head_end.take(*[one.send(batch) for batch in order])
        assert [one.opened(a).answer for a in answers] == [STORED] * 4
        for batch in order:
            await head_end.take(one.send(batch))
    assert head_end.rows() == [
        ("M-%d" % (meter + 1), hour, 1000 * (hour + 1) + 100 * meter)
        for meter in range(2) for hour in range(4)]
    assert head_end.count("rows") == 8
    assert head_end.count("duplicate rows") == 5 * 16 - 8
    assert head_end.count("revisions") == head_end.count("late registers") == 0
    assert head_end.ask("select received::text, lost::text from archive") == [("{[1,9)}", "{}")]


async def test_the_same_row_twice_in_one_transaction_is_stored_once(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    batch = one.batch(one.row(0, 0))
    await head_end.take(one.send(batch), one.send(batch), one.send(batch))
    assert head_end.rows() == [("M-1", 0, 1000)]
    assert head_end.count("duplicate rows") == 2


async def test_seven_registers_and_then_five_more_are_one_row(head_end: HeadEnd) -> None:
    """The edge reads a failed range again: same register set, the others absent."""
    one = Concentrator()
    await head_end.welcome(one)
    first = one.row(values=[1, 2, 3, 4, 5, 6, 7] + [None] * 5)
    second = one.row(values=[None] * 7 + [8, 9, 10, 11, 12], late=True)
    await head_end.take(one.send_rows(first))
    [answer] = await head_end.take(one.send_rows(second))
    assert one.opened(answer).answer == STORED
    assert head_end.ask("select %s from reading" % ", ".join(_COLUMNS)) == [tuple(range(1, 13))]
    assert head_end.ask("select statuses from reading") == [[0] * 7 + [LATE] * 5]
    assert head_end.count("late registers") == 5


async def test_late_registers_come_before_the_others_or_in_the_same_batch(
        head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    for meter, order in ((0, 1), (1, -1)):
        rows = [one.row(meter, values=[1, 2, 3, 4, 5, 6, 7] + [None] * 5),
                one.row(meter, values=[None] * 7 + [8, 9, 10, 11, 12], late=True)]
        batches = [one.send_rows(row) for row in rows][::order]
        await head_end.take(*batches)
    assert head_end.ask("select %s from reading" % ", ".join(_COLUMNS)) == [
        tuple(range(1, 13))] * 2


async def test_rows_of_two_register_sets_become_one_of_both(head_end: HeadEnd) -> None:
    """7 registers, then 5 others of the same hour, by another set of the same profile."""
    one = Concentrator(sets=[
        register_set(*CODES[:7], "1-0:99.7.1"), register_set("1-0:99.7.2", *CODES[7:])])
    await head_end.welcome(one)
    await head_end.take(one.send_rows(one.row(set_=0, values=[1, 2, 3, 4, 5, 6, 7, 100])))
    await head_end.take(one.send_rows(one.row(set_=1, values=[200, 8, 9, 10, 11, None])))
    await head_end.take(one.send_rows(one.row(set_=1, values=[200, 8, 9, 10, 11, 12], late=True)))
    assert head_end.ask("select %s, extra from reading" % ", ".join(_COLUMNS)) == [
        (*range(1, 13), [100, 200])]
    [(registers, statuses)] = head_end.ask(
        "select registers, statuses from reading join register_set using (register_set_id)")
    assert [r["obis"] for r in registers] == [
        *CODES[:7], "1-0:99.7.1", "1-0:99.7.2", *CODES[7:]]
    assert statuses == [0] * 13 + [LATE]


async def test_a_different_value_is_a_revision_and_the_first_stays(head_end: HeadEnd) -> None:
    one = Concentrator(sets=[register_set("1-0:1.8.0", "1-0:2.8.0")])
    await head_end.welcome(one)
    await head_end.take(one.send_rows(one.row(values=[10, 20])))
    other = one.send_rows(one.row(values=[11, 20]))
    for _ in range(2):
        await head_end.take(other)
    assert head_end.ask("select a_plus, a_minus from reading") == [(10, 20)]
    assert head_end.ask(
        "select value, obis, incarnation, sequence, concentrator_id from reading_revision") == [
            (11, obis_from_text("1-0:1.8.0"), one.incarnation, 2, 1)]


async def test_two_archives_may_revise_one_value(head_end: HeadEnd) -> None:
    """A concentrator whose archive was lost counts its sequence numbers from 1 again."""
    one = Concentrator(sets=[register_set("1-0:1.8.0")])
    await head_end.welcome(one)
    for value in (10, 11, 12):
        one.incarnation, one.sequence = bytes([value]) * 8, 1
        await head_end.take(one.send_rows(one.row(values=[value])))
    assert head_end.ask("select value from reading_revision order by 1") == [11, 12]


async def test_an_equal_value_with_another_scaler_is_the_same_value(head_end: HeadEnd) -> None:
    one = Concentrator(sets=[
        register_set("1-0:1.8.0", scaler=-1), register_set("1-0:1.8.0", scaler=-2)])
    await head_end.welcome(one)
    await head_end.take(one.send_rows(one.row(set_=0, values=[120])))
    await head_end.take(one.send_rows(one.row(set_=1, values=[1200])))
    assert head_end.ask("select count(*) from reading_revision") == [0]
    await head_end.take(one.send_rows(one.row(set_=1, values=[1201])))
    assert head_end.ask("select value, scaler from reading_revision") == [(1201, -2)]


async def test_profiles_are_rows_of_their_own(head_end: HeadEnd) -> None:
    one = Concentrator(sets=[
        register_set("1-0:1.8.0"), register_set("1-0:1.8.0", profile=7)])
    await head_end.welcome(one)
    await head_end.take(one.send_rows(one.row(set_=0, values=[1]), one.row(set_=1, values=[2])))
    assert head_end.ask("select profile, a_plus from reading order by 1") == [(0, 1), (7, 2)]


async def test_missed_rows_events_and_losses_are_kept_once(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    missed = Missed(1, 0, 0, HOUR_S, 0, SILENT, "no answer")
    event = Event(2, HOUR_S, 2, 1, None, "started")
    of_meter = Event(3, HOUR_S, 0, 2, 1, "silent")
    lost = Lost(4, 9, 2, "store full")
    for _ in range(2):
        [answer] = await head_end.take(one.send_rows(missed, event, of_meter, lost))
        assert one.opened(answer).answer == STORED
    assert head_end.ask("select serial, outcome, note from missed join meter using (meter_id)") == [
        ("M-1", SILENT, "no answer")]
    assert head_end.ask(
        "select sequence, kind, time_quality, serial from event left join meter using (meter_id)"
        " order by 1") == [(2, 1, 2, None), (3, 2, 0, "M-2")]
    assert head_end.ask("select first_sequence, last_sequence, reason, note from archive_loss") == [
        (4, 9, 2, "store full")]
    assert head_end.ask("select received::text, lost::text from archive") == [
        ("{[1,4)}", "{[4,10)}")]
    assert head_end.ask("select last_outcome from meter order by serial") == [SILENT, None]


async def test_the_newest_capture_and_contact_are_known(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    await head_end.take(one.send_rows(one.row(0, 5), one.row(1, 2)))
    await head_end.take(one.send_rows(one.row(0, 3)))
    assert head_end.ask(
        "select serial, extract(epoch from last_captured_at)::int from meter_state order by 1") == [
            ("M-1", HOUR_S + 5 * 3600), ("M-2", HOUR_S + 2 * 3600)]
    assert head_end.ask(
        "select extract(epoch from newest_captured_at)::int from concentrator") == [
            HOUR_S + 5 * 3600]
    assert head_end.ask("select last_contact_at > now() - interval '1 minute' from concentrator")


async def test_rows_of_many_weeks_find_their_partitions(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    times = [1_577_836_800, HOUR_S - 7 * 86400, HOUR_S, HOUR_S + 40 * 3600]
    await head_end.take(one.send_rows(*[one.row(at_s=at_s) for at_s in times]))
    assert head_end.ask(
        "select extract(epoch from captured_at)::bigint from reading order by 1") == times
    assert head_end.ask(
        "select count(*) from pg_inherits where inhparent = 'reading'::regclass")[0] in (3, 4)


async def test_an_unknown_schema_is_asked_for_and_nothing_is_kept(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.register(one)
    batch = one.batch(one.row())
    [answer] = await head_end.take(one.send(batch))
    said = one.opened(answer)
    assert (said.answer, said.digest) == (SCHEMA_UNKNOWN, digest_of(batch))
    assert head_end.quarantined() == head_end.ask("select * from archive") == []
    await head_end.take(one.send_schema())
    [answer] = await head_end.take(one.send(batch))
    assert one.opened(answer).answer == STORED


async def test_a_schema_and_its_batch_may_arrive_together(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.register(one)
    batch = one.send_rows(one.row())
    [answer] = await head_end.take(batch, one.send_schema())
    assert one.opened(answer).answer == STORED


async def test_answers_of_one_transaction_have_counters_of_their_own(head_end: HeadEnd) -> None:
    one, two = Concentrator(), Concentrator(serials=["X-1"])
    await head_end.welcome(one, two)
    answers = await head_end.take(*[
        who.send_rows(who.row(0, hour)) for hour in range(3) for who in (one, two)])
    for who, at in ((one, 0), (two, 1)):
        said = [who.opened(answer).first_sequence for answer in answers[at::2]]
        assert said == [1, 2, 3]


async def test_whoever_has_no_meter_yet_is_heard_and_stops_nobody(head_end: HeadEnd) -> None:
    """As a concentrator is after its claim, before its first configuration."""
    new, other = Concentrator(serials=[], sets=[]), Concentrator()
    await head_end.welcome(new, other)
    answers = await head_end.take(
        new.send_rows(Event(1, HOUR_S, 0, 1, None, "started")), other.send_rows(other.row()))
    assert len(answers) == 2
    assert head_end.ask("select count(*) from event") == [1]
    assert head_end.ask("select count(*) from reading") == [1]
