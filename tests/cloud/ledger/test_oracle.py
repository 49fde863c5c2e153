"""The ledger that was counted piece by piece is the one that is counted from the readings.

Two concentrators live through four days around a change of the clocks, by chance from a seed:
batches come late, twice, out of order or never, rows are lost, refused, of a wrong clock; schedules
and register sets change, meters are replaced and move, an archive begins anew. The keeper counts
whenever it likes. In the end every count must be the one that scratch.py reckons, and the tables,
reasons included, those that the keeper makes of the same readings in an empty ledger.
"""

import random
from datetime import UTC, datetime, timedelta

import pytest

from tests.cloud.concentrator import Concentrator, register_set, schema_of
from tests.cloud.conftest import HeadEnd
from tests.cloud.ledger.scratch import reckoned
from wum_cloud.broker import Delivery
from wum_cloud.ledger.keeper import COUNTED_EVERY, catch_up
from wum_cloud.ledger.reckoning import SETTLED_AFTER, Interval, day_of
from wum_cloud.ledger.slots.store import intervals
from wum_cloud.reasons.names import REASONS
from wum_shared.batch import Lost, Missed, Row
from wum_shared.messages import Schedule
from wum_shared.status import LOST_FULL, NEVER_SET, NOT_TRIED, SILENT

BEGIN = datetime(2024, 3, 29, 22, tzinfo=UTC)       # Midnight in Chisinau; the 31st has 23 hours.
HOURS = 50
ENDS = datetime(2025, 1, 1, tzinfo=UTC)             # Behind it is the clock of this machine.
ZONES = ("Europe/Chisinau", "Asia/Kolkata")
SETS = [register_set("1-0:1.8.0", "1-0:2.8.0"), register_set("1-0:32.7.0"),
        register_set("1-0:9.8.0", profile=1)]
TABLES = {
    "ledger_day": "meter_id, day, register_set_id", "ledger_tenant_day": "day",
    "ledger_concentrator_day": "concentrator_id, day",
    "ledger_tenant_set_day": "register_set_id, day",
    "ledger_concentrator_set_day": "concentrator_id, register_set_id, day"}
# What the database dates by its own clock, which runs years behind these four days.
DATED = (("reading", "arrived_at"), ("batch_arrival", "arrived_at"), ("archive", "first_seen_at"),
         ("archive", "last_batch_at"), ("archive_loss", "arrived_at"), ("reason_told", "told_at"),
         ("concentrator", "last_contact_at"), ("meter_schedule", "valid_from"))


class Life:
    """What chance makes of a street."""

    def __init__(self, head_end, seed: int, is_calm: bool) -> None:
        self.dice = random.Random(seed)
        self.is_calm = is_calm      # Nothing is lost or refused: only the marks of hours tell.
        self.head_end = head_end
        self.cabinets = [Concentrator(serials=["M-1", "M-2", "M-3"], sets=SETS),
                         Concentrator(serials=["M-4"], sets=SETS)]
        self.held: list[Delivery] = []
        self.now = BEGIN

    async def begin(self) -> None:
        await self.head_end.register(*self.cabinets)
        for number, (cabinet, zone) in enumerate(zip(self.cabinets, ZONES, strict=True)):
            self.head_end.do("insert into site (tenant_id, name, time_zone) values (1, %s, %s)",
                             str(number), zone)
            self.head_end.do(
                "update concentrator set site_id = (select site_id from site where name = %s)"
                " where device_id = %s", str(number), cabinet.id)
            await self.take(self.schema(cabinet, cabinet.serials, 3600))

    def schema(self, cabinet: Concentrator, serials: list[str], period_s: int) -> Delivery:
        cabinet.serials = serials
        made = schema_of(cabinet.id, serials, SETS, valid_from_s=int(self.now.timestamp()))
        meters = []
        for meter in made.meters:       # Each set by a schedule of its own, or all by one.
            sets = tuple(sorted(self.dice.sample(range(3), self.dice.randrange(1, 4))))
            meters.append(meter._replace(register_sets=sets, schedules=tuple(
                [self.dice.choice([0, 0, 1]) for _ in sets])))
        cabinet.use_schema(made._replace(meters=tuple(meters), schedules=(
            Schedule(period_s, self.dice.choice([0, 300])), Schedule(7200, 0))))
        return cabinet.send_schema()

    async def take(self, *deliveries: Delivery) -> None:
        await self.head_end.take(*deliveries)
        for table, column in DATED:
            self.head_end.do("update %s set %s = '%s' where %s > '%s'" % (
                table, column, self.now.isoformat(), column, ENDS.isoformat()))

    def swept(self, cabinet: Concentrator) -> list[Row | Missed | Lost]:
        """The records of one hour, of a clock that may be wrong."""
        shift_s = self.dice.choice([0] * 12 + [-86400, -1800, 1800])
        quality = self.dice.choice([0] * 15 + [0 if self.is_calm else NEVER_SET])
        records: list[Row | Missed | Lost] = []
        for place, meter in enumerate(cabinet.schema.meters):
            at_s = int(self.now.timestamp()) + self.dice.randrange(300) + shift_s
            for number in meter.register_sets:
                fate = self.dice.random()
                if fate < 0.8:
                    records.append(cabinet.row(place, at_s=at_s, set_=number, quality=quality))
                elif fate < 0.9:
                    records.append(Missed(cabinet.sequence, place, number, at_s, quality,
                                          self.dice.choice([SILENT, NOT_TRIED]), ""))
                    cabinet.sequence += 1
                elif fate < 0.93 and not self.is_calm:
                    records.append(Lost(cabinet.sequence, cabinet.sequence + 2, LOST_FULL, ""))
                    cabinet.sequence += 3
        return records

    async def hour(self) -> None:
        dice = self.dice
        for cabinet in self.cabinets:
            chance = dice.random()
            if chance < 0.03 and not self.is_calm:      # Another archive; this hour's is gone.
                cabinet.incarnation, cabinet.sequence = dice.randbytes(8), 1
            elif 0.03 <= chance < 0.08:
                await self.take(self.schema(cabinet, cabinet.serials, dice.choice([1800, 3600])))
            elif 0.08 <= chance < (0.08 if self.is_calm else 0.11):
                # A meter goes away; another one, or the other
                # cabinet, takes its place.
                serials = list(cabinet.serials)
                gone = serials.pop(dice.randrange(len(serials)))
                other = self.cabinets[1 - self.cabinets.index(cabinet)]
                serials.append("M-%d" % dice.randrange(10, 99))
                await self.take(self.schema(cabinet, list(dict.fromkeys(serials)), 3600))
                if dice.random() < 0.5 and gone not in other.serials:
                    await self.take(self.schema(other, [*other.serials, gone], 3600))
            records = self.swept(cabinet)
            if records:
                self.held.append(cabinet.send_rows(*records))
        going = [one for one in self.held if dice.random() < 0.7]
        dice.shuffle(going)
        self.held = [one for one in self.held
                     if one not in going or dice.random() < 0.1]        # Some come again.
        for one in going:
            if self.is_calm or dice.random() < 0.95:                    # Or never.
                await self.take(one)
        if dice.random() < 0.3:
            await catch_up(self.head_end.pool, self.now)

    def ledger(self) -> dict[str, list[object]]:
        return {table: self.head_end.ask("select * from %s where meters <> 0 order by %s" % (
            table, keys) if table != "ledger_day" else "select * from %s order by %s" % (
            table, keys)) for table, keys in TABLES.items()}


async def _check_drill_down(head_end: HeadEnd, now: datetime) -> None:
    """Counts are those of the single intervals, which are looked at another way."""
    names = ("late", *REASONS)
    stood = head_end.ask(
        "select meter_id, day, register_set_id, coalesce(time_zone, 'UTC'), received, " +
        ", ".join(names) + ", missing_from from ledger_day join meter using (meter_id)"
        " join concentrator c on c.concentrator_id = meter.concentrator_id"
        " left join site using (site_id) order by 1, 2")
    reasons = set()
    asked: dict[object, list[Interval]] = {}
    for meter, day, number, zone, received, *rest in stood:
        if (meter, day) not in asked:
            async with head_end.pool.connection() as connection:
                asked[meter, day] = await intervals(
                    connection, meter, day_of(day, zone), now - SETTLED_AFTER, now)
        found = [one for one in asked[meter, day] if one.register_set == number]
        states = [one.state for one in found]
        assert [states.count(name) for name in names] == rest[:-1]
        assert sum([state in ("received", "late") for state in states]) == received
        assert min([one.start for one in found if one.state in REASONS], default=None) == rest[-1]
        reasons.update(states)
    assert len(reasons) > 4         # The premise: chance made several reasons.


@pytest.mark.parametrize(("seed", "is_calm"), [(1, False), (2, True)])
async def test_piece_by_piece_and_from_scratch_are_the_same(
        head_end, seed: int, is_calm: bool) -> None:
    life = Life(head_end, seed, is_calm)
    await life.begin()
    for hour in range(HOURS):
        life.now = BEGIN + timedelta(hours=hour)
        await life.hour()
    end = life.now + 2 * COUNTED_EVERY              # Time alone made the last of it due.
    await catch_up(head_end.pool, end)
    kept = life.ledger()
    wanted = reckoned(
        head_end.url, dict(zip(head_end.ask(
            "select concentrator_id from concentrator order by site_id"), ZONES, strict=True)), end)
    codes = {number: frozenset(found) for number, found in head_end.ask(
        "select register_set_id, codes from register_set")}
    said = {(serial, day, codes[number]): counts for serial, day, number, *counts in head_end.ask(
        "select serial, day, register_set_id, expected, received, late, by_six from ledger_day"
        " join meter using (meter_id)")}
    assert {key: tuple(counts) for key, counts in said.items()} == wanted
    assert len(wanted) > 10 and sum([counts[1] for counts in wanted.values()]) > 50
    await _check_drill_down(head_end, end)
    for table in TABLES:
        head_end.do("delete from " + table)
    head_end.do("delete from ledger_state")
    await catch_up(head_end.pool, end)
    assert life.ledger() == kept
