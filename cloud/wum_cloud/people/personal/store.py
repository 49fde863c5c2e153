"""The questions to the database about one person: what belongs to it, and where its name stands.

Every function works in the caller's transaction. Left out: the audit trail, which holds pseudonyms
(audit/store.py).
"""

from psycopg import sql
from psycopg.rows import dict_row

from wum_cloud.database import Connection

# Where the name of whoever acted is kept; beside a token's, as "ines (token billing)". A test
# goes through all columns of the database.
NAMED_IN = (
    ("campaign", "requested_by"), ("campaign", "approved_by"), ("claim", "made_by"),
    ("concentrator", "planned_by"),
    ("command", "requested_by"), ("command", "approved_by"), ("command_consent", "given_by"),
    ("configuration_setting", "changed_by"), ("configuration_version", "made_by"),
    ("meter_act", "said_by"), ("network_key", "begun_by"), ("network_key", "ended_by"),
    ("registry_import", "uploaded_by"), ("release", "taken_by"),
    ("release_trust", "taken_by"), ("ripple", "ordered_by"),
)
# Sentences of ours that end with who acted: "withdrawn by ines".
_ENDS_WITH = (
    ("campaign_log", "words", "concentrator_id is null"),
    ("command", "told", "state = 'withdrawn'"),
)
_BELONGINGS = (
    ("session",
     "select created_at, last_seen_at from session where account_id = %(account)s order by 1"),
    ("token",
     """select name, role, created_at, last_used_at, expires_at from api_token
         where account_id = %(account)s order by created_at"""),
    ("failed sign-in",
     "select failed_at, address from sign_in_failure where name = %(name)s order by 1"),
)
_IS_NAMED = sql.SQL("({column} = %(name)s or starts_with({column}, %(name)s || ' (token '))")


async def belongings(
        connection: Connection, account_id: int, name: str) -> list[tuple[str, dict[str, object]]]:
    """Sessions, tokens and failed sign-ins of the account, without any secret."""
    found: list[tuple[str, dict[str, object]]] = []
    for kind, question in _BELONGINGS:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(question.encode(), {"account": account_id, "name": name})
            found += [(kind, row) for row in await cursor.fetchall()]
    return found


async def places(connection: Connection, name: str) -> list[tuple[str, int]]:
    """Where the name stands, and how often."""
    found = []
    for table, column in NAMED_IN:
        row = await (await connection.execute(
            sql.SQL("select count(*) from {table} where ").format(table=sql.Identifier(table))
            + _IS_NAMED.format(column=sql.Identifier(column)), {"name": name})).fetchone()
        if row is not None and row[0]:
            found.append(("%s.%s" % (table, column), int(row[0])))
    return found


async def rename(connection: Connection, name: str, pseudonym: str) -> int:
    """Put a pseudonym wherever the name stands; in how many places."""
    count, said = 0, {"name": name, "new": pseudonym}
    for table, column in NAMED_IN:
        whose = sql.Identifier(column)
        count += (await connection.execute(
            sql.SQL("update {table} set {column} = %(new)s"
                    " || substr({column}, length(%(name)s) + 1) where ").format(
                        table=sql.Identifier(table), column=whose)
            + _IS_NAMED.format(column=whose), said)).rowcount
    for table, column, condition in _ENDS_WITH:
        count += (await connection.execute(sql.SQL(
            "update {table} set {column} = left({column}, -length(%(name)s)) || %(new)s"
            " where {condition} and right({column}, length(%(name)s) + 4) = ' by ' || %(name)s"
            ).format(table=sql.Identifier(table), column=sql.Identifier(column),
                     condition=sql.SQL(condition)), said)).rowcount
    return count


async def remove(connection: Connection, account_id: int, name: str) -> None:
    """The account, and all that is its own."""
    for statement in (
            "delete from session where account_id = %(account)s",
            "delete from api_token where account_id = %(account)s",
            "delete from sign_in_failure where name = %(name)s",
            "delete from account where account_id = %(account)s"):
        await connection.execute(statement, {"account": account_id, "name": name})
