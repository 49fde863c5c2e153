"""A row of every table for each of several owners, so that whoever sees another's is found out.

Made by what the database says of its tables: a table that comes later gets its rows by itself.
Every text holds its owner's mark, and so does every id of eight bytes.
Left out: who looks at them (test_scope.py).
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from tests.cloud.web.street import REGISTERS, make_partition
from wum_cloud.campaigns.plan import Plan
from wum_cloud.registry.bulk.columns import KINDS

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
DAY = (NOW - timedelta(days=1)).date()
# Not of one owner, or made by the test itself.
_NOBODYS = {"schema_migration", "tenant", "register_set", "trust_document", "order_count",
            "newest_capture", "sign_in_failure", "session", "account", "audit_head",
            "audit_entry"}
# Settings of a group are for concentrators of every branch, so are orders to groups.
_OF_TENANT = {"ledger_tenant_day", "ledger_tenant_set_day", "ripple", "ripple_gateway",
              "registry_import", "configuration_setting"}
_KEYS = re.compile(r"^FOREIGN KEY \((\w+)\) REFERENCES (\w+)\((\w+)\)")
_WORDS = re.compile(r"'([^']*)'::text")
_SIZES = re.compile(r"length\((\w+)\) = (\d+)")
# What a page makes something of: anything would be no registers, no moment, no configuration.
_GIVEN: dict[tuple[str, str], Any] = {
    ("meter", "last_captured_at"): NOW - timedelta(hours=2), ("meter", "archived_at"): None,
    ("reading", "a_plus"): 1000, ("reading", "u_l1"): 2301, ("reading", "extra"): [5],
    ("reading", "profile"): 0, ("reading", "captured_at"): NOW - timedelta(hours=2),
    ("missed", "profile"): 0, ("missed", "captured_at"): NOW - timedelta(hours=3),
    ("meter_schedule", "period_s"): 900, ("meter", "period_s"): 900,
    ("schedule", "period_s"): 900, ("meter_schedule", "register_sets"): [1],
    ("site", "time_zone"): "UTC", ("ledger_state", "time_zone"): "UTC",
    ("concentrator", "revoked_at"): None, ("concentrator", "planned_at"): None,
    ("claim", "burned_at"): None,
    ("claim", "ends_at"): NOW + timedelta(days=1), ("mesh_station", "every_s"): 600,
    ("mesh_station", "network"): 1,
    ("concentrator_condition", "time_quality"): 0, ("concentrator_condition", "flash"): 1,
    ("configuration_setting", "scope"): "group", ("configuration_setting", "settings"): "{}",
    ("campaign", "plan"): json.dumps(Plan().to_json()), ("release", "bill"): "{}",
    ("configuration_version", "parts"): "{}", ("gap_request", "told"): "{}",
    ("event", "time_quality"): 0, ("registry_import", "content"): b"x\x9c\x03\x00\x00\x00\x00\x01",
    ("registry_import", "report"): json.dumps(
        {"rows": 0, "faults": [], "more_faults": 0,
         "counts": {kind: {"new": 0, "changed": 0, "same": 0} for kind in KINDS}}),
    ("command", "content"): None, ("command", "approved_at"): NOW,
    ("command", "state"): "requested",
    ("command", "expires_at"): NOW + timedelta(days=1),
    ("command", "requested_at"): NOW - timedelta(hours=2),
}


class Things:
    """The rows of all owners. `rows[mark][table]` is that owner's row."""

    def __init__(self, url: str) -> None:
        self.rows: dict[str, dict[str, dict[str, Any]]] = {}
        self.tables: list[str] = []
        self._url, self._count = url, 0
        with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
            self._learn(connection)
            registers = json.dumps([{"obis": o, "scaler": s, "unit": u, "column": c}
                                    for o, s, u, c in REGISTERS])
            connection.execute("insert into register_set (digest, profile, registers)"
                               " values ('set', 0, %s)", [registers])
        with psycopg.connect(url) as plain:
            make_partition(plain, NOW - timedelta(hours=2))

    def _learn(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        tables = connection.execute(
            "select c.relname as name from pg_class c join pg_namespace n on n.oid = relnamespace"
            " where nspname = current_schema() and relkind in ('r', 'p') and not relispartition"
        ).fetchall()
        self._columns: dict[str, list[dict[str, Any]]] = {}
        for one in connection.execute(
                "select table_name, column_name, data_type, is_nullable, column_default,"
                " is_generated, is_identity from information_schema.columns"
                " where table_schema = current_schema() order by ordinal_position").fetchall():
            self._columns.setdefault(one["table_name"], []).append(one)
        self._keys: dict[tuple[str, str], tuple[str, str]] = {}
        self._words: dict[tuple[str, str], str] = {}
        self._sizes: dict[tuple[str, str], int] = {}
        for one in connection.execute(
                "select conrelid::regclass::text as name, contype::text as kind,"
                " pg_get_constraintdef(oid) as told from pg_constraint"
                " where connamespace = current_schema()::regnamespace").fetchall():
            found = _KEYS.match(one["told"])
            if found:
                self._keys[one["name"], found[1]] = (found[2], found[3])
            for column, size in _SIZES.findall(one["told"]):
                self._sizes[one["name"], column] = int(size)
            words = _WORDS.search(one["told"])
            if one["kind"] == "c" and words:
                for column in self._columns.get(one["name"], ()):
                    if re.search(r"\b%s\b" % column["column_name"], one["told"]):
                        self._words.setdefault((one["name"], column["column_name"]), words[1])
        for table, columns in self._columns.items():    # Keys that nobody declared.
            for holder in ("tenant", "concentrator", "meter", "register_set"):
                if table != holder and any(c["column_name"] == holder + "_id" for c in columns):
                    self._keys.setdefault((table, holder + "_id"), (holder, holder + "_id"))
        # What speaks of nobody is nobody's, but for what is spoken of.
        owned = {table for table, _ in self._keys} | {table for table, _ in self._keys.values()}
        names = {row["name"] for row in tables if row["name"] in owned} - _NOBODYS
        while names:    # Those first that the others speak of.
            free = sorted(name for name in names if not any(
                own == name and other in names - {name}
                for (own, _), (other, _) in self._keys.items()))
            self.tables += free
            names -= {*free}
        assert {"concentrator", "meter", "command", "event", "claim"} < {*self.tables}

    def add(self, mark: str, tenant: int, site: int, account: int, *, branch_only: bool = False,
            ) -> None:
        """A row of every table. `branch_only`: none of those that are of a whole tenant."""
        self._count += 1
        own = self.rows[mark] = {
            "tenant": {"tenant_id": tenant}, "account": {"account_id": account},
            "register_set": {"register_set_id": 1}, "schema_migration": {"number": 1}}
        with psycopg.connect(self._url, row_factory=psycopg.rows.dict_row) as connection:
            for table in self.tables:
                if table == "site":     # Made by the test, in its place in the tree.
                    own[table] = {"site_id": site}
                elif not (branch_only and table in _OF_TENANT):
                    own[table] = self._insert(connection, mark, table)

    def id_of(self, mark: str) -> str:
        """The id of the owner's concentrator."""
        return bytes(self.rows[mark]["concentrator"]["device_id"]).hex()

    def serial_of(self, mark: str) -> str:
        """The serial of the owner's meter."""
        return str(self.rows[mark]["meter"]["serial"])

    def _insert(self, connection: psycopg.Connection[dict[str, Any]], mark: str, table: str,
                ) -> dict[str, Any]:
        values = {c["column_name"]: self._value(mark, table, c) for c in self._columns[table]
                  if c["is_generated"] == "NEVER" and c["is_identity"] == "NO"}
        given = {name: value for name, value in values.items() if value is not Ellipsis}
        found = connection.execute(sql.SQL(
            "insert into {} ({}) values ({}) returning *").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, given)),
                sql.SQL(", ").join([sql.Placeholder()] * len(given))), [*given.values()]).fetchone()
        assert found is not None
        return found

    def _value(self, mark: str, table: str, column: dict[str, Any]) -> Any:
        """What stands there; Ellipsis: what the table says itself."""
        name, kind, own = column["column_name"], column["data_type"], self.rows[mark]
        if (table, name) in _GIVEN:
            return _GIVEN[table, name]
        if (table, name) in self._keys and name != "parent_site_id":
            other, its = self._keys[table, name]
            return own.get(other, {}).get(its)
        if kind == "text":
            return self._words.get((table, name), "%s-%s-%s" % (mark, table, name)[:64])
        if kind == "bytea":
            size = self._sizes.get((table, name))
            return (bytes([0xa0 + self._count]) * (size or 8) if name in (
                "device_id", "incarnation") else ("%s-%s" % (mark, name)).ljust(
                    size or 0, "-").encode()[:size])
        if kind == "date":
            return DAY
        if column["column_default"] is not None or column["is_nullable"] == "YES":
            return ...
        if kind.startswith("timestamp"):
            return NOW - timedelta(hours=1)
        return {"ARRAY": [], "jsonb": "{}", "boolean": False}.get(kind, self._count)
