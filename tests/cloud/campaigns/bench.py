"""A campaign on a real database with a fleet of fleet.py: the real core and the real store.

What commands/sending would do is done here in one stroke for all: an order is given a number, and
its receipt is written down as it would be.
"""

from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests.cloud.campaigns import fleet
from tests.cloud.campaigns.fleet import Device
from wum_cloud.campaigns import store
from wum_cloud.campaigns.members import Candidate, waves_of
from wum_cloud.campaigns.plan import Plan
from wum_cloud.campaigns.serving.desk import step_one
from wum_cloud.campaigns.states import Assign, CallOff, Confirm
from wum_cloud.campaigns.store import StandingRow
from wum_cloud.database import Connection, connect
from wum_shared import updates
from wum_shared.updates import Assignment, Confirmation

BEGAN_S = 1_790_000_000.0
STEP_S, QUIET_S, QUIET_MOST = 60, 900, 30
BRANCHES, BUSES, PERIOD_S = 25, 3, 1800
_READ = ("insert into reading (meter_id, captured_at, profile, register_set_id, time_quality)"
         " select meter_id, %s, 0, 1, 0 from meter where concentrator_id = any(%s)")


class FleetBench:
    """`devices` in a campaign with `plan`."""

    def __init__(self, url: str, devices: list[Device], plan: Plan) -> None:
        self.url, self.devices, self.plan = url, devices, plan
        self.now_s = BEGAN_S
        self.read_s = BEGAN_S - BEGAN_S % PERIOD_S
        self.number = 0
        self.sequence = 0
        self.seen = 0                 # The highest command that was given out.

    def prepare(self, seed: int) -> None:
        """Concentrators, two releases, and a campaign that a second person has approved."""
        with psycopg.connect(self.url) as connection:
            if connection.execute("select from pg_partitioned_table where partrelid ="
                                  " 'reading'::regclass").fetchone() is not None:
                connection.execute("create table reading_of_the_fleet partition of reading default")
            self._register(connection)
            for sequence, digest in (fleet.HOME, fleet.NEW):
                connection.execute(
                    "insert into release (tenant_id, sequence, digest, target, version, commit_id,"
                    " envelope, content, chunk_index, bill, signers, threshold, taken_by) values"
                    " (1, %s, %s, 'linux', %s, '', %s, '', '', '', '{ada}', 1, 'ada')",
                    [sequence, digest, "1.%d" % sequence, b"envelope"])
            waves = waves_of(self.plan, b"%d" % seed, [Candidate(
                d.number, b"%8d" % d.number, "bus %d" % (d.number % BUSES),
                "branch %d" % (d.number % BRANCHES), d.fault != fleet.OFFLINE)
                for d in self.devices])
            row = connection.execute(
                "insert into campaign (tenant_id, release_id, name, reason, plan, state, waves,"
                " requested_by, approved_by) select 1, release_id, 'to 1.4', 'a test', %s,"
                " 'running', %s, 'ada', 'bob' from release where sequence = 4"
                " returning campaign_id", [Jsonb(self.plan.to_json()), len(waves)]).fetchone()
            assert row is not None
            self.number = row[0]
            with connection.cursor() as cursor:
                cursor.executemany(
                    "insert into campaign_member (campaign_id, concentrator_id, wave, place)"
                    " values (%s, %s, %s, %s)", [[self.number, one, wave, place] for wave, found
                                                 in enumerate(waves)
                                                 for place, one in enumerate(found)])

    def _register(self, connection: psycopg.Connection[Any]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into concentrator (tenant_id, device_id, identity_key, name,"
                " broker_password_hash) values (1, %s, %s, %s, '')",
                [[b"%8d" % d.number, bytes(32), "c-%d" % d.number] for d in self.devices])
            connection.execute("insert into delivery_point (tenant_id, name) values (1, 'dp')")
            connection.execute(
                "insert into meter (tenant_id, serial, model, delivery_point_id, concentrator_id,"
                " period_s, offset_s) select 1, 'M-' || concentrator_id, 'm', 1, concentrator_id,"
                " %s, 0 from concentrator", [PERIOD_S])
            for before in range(1, 4):
                connection.execute(_READ, [
                    datetime.fromtimestamp(self.read_s - before * PERIOD_S, UTC),
                    [d.number for d in self.devices]])

    async def run(self, most_hours: int) -> str:
        """Until the campaign is over, and whoever is under way has come to rest; its state."""
        quiet, state = 0, ""
        async with await connect(self.url) as connection:
            while self.now_s < BEGAN_S + most_hours * 3600:
                told = await self._devices(connection)
                changed = await step_one(connection, self.number, self.now_s)
                await self._orders(connection)
                await connection.commit()
                quiet = 0 if changed or told else quiet + 1
                # Where nothing happens, time goes faster, to the next full quarter of an hour.
                self.now_s += STEP_S if quiet < 3 else QUIET_S - self.now_s % QUIET_S
                state = str(self.ask_one("select state from campaign"))
                if quiet > QUIET_MOST and state not in ("running", "paused"):
                    break
        return state

    async def _devices(self, connection: Connection) -> int:
        """Time passes for them, and they tell what is new; and readings come."""
        told = []
        for d in self.devices:
            d.tick(self.now_s)
            if d.changed and d.is_heard and d.fault != fleet.OFFLINE:
                told.append(d)
        now = datetime.fromtimestamp(self.now_s, UTC)
        await store.keep_standings(connection, [StandingRow(
            d.number, 0, int(self.now_s) * 10, d.assignment, d.state, d.sequence, d.digest, 0, 9,
            d.nonce, d.note, now, now, b"") for d in told])
        for d in told:
            d.changed = False
        if self.now_s >= self.read_s:
            read = [d.number for d in self.devices
                    if not (d.fault == fleet.WORSE and d.sequence == fleet.NEW[0])]
            await connection.execute(_READ, [datetime.fromtimestamp(self.read_s, UTC), read])
            self.read_s += PERIOD_S
        return len(told)

    async def _orders(self, connection: Connection) -> None:
        """What was ordered in this step reaches those who can be reached."""
        rows = await (await connection.execute(
            "select command_id, concentrator_id, arguments from command where command_id > %s"
            " order by command_id", [self.seen])).fetchall()
        kept: list[list[object]] = []
        ended: list[list[object]] = []
        for command, concentrator, arguments in rows:
            self.seen = command
            self.sequence += 1
            words = self.devices[concentrator - 1].take(
                _act(updates.decode_demand(arguments), concentrator), self.sequence, self.now_s)
            kept.append([b"%16d" % self.sequence, command, self.sequence])
            if words != "lost":
                ended.append(["failed" if words else "done", words, command])
            else:
                ended.append(["sent", "", command])
        async with connection.cursor() as cursor:
            await cursor.executemany(
                "insert into command_order (digest, command_id, sequence, signed)"
                " values (%s, %s, %s, '')", kept)
            await cursor.executemany(
                "update command set state = %s, told = %s where command_id = %s", ended)

    def ask(self, query: str) -> list[Any]:
        """Rows of a query."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def ask_one(self, query: str) -> object:
        """The one value of a query."""
        return self.ask(query)[0][0]


def _act(demand: object, concentrator: int) -> Assign | Confirm | CallOff:
    if isinstance(demand, Assignment):
        return Assign(concentrator, demand.begins_s, demand.ends_s, demand.may_go_back)
    if isinstance(demand, Confirmation):
        return Confirm(concentrator, demand.digest, demand.nonce)
    return CallOff(concentrator)
