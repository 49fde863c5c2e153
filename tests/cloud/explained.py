"""How much work a statement is: the rows that its plan goes through, whatever the machine is at.

Left out: how long it takes. A plan that asks for each thing by itself, or compares each with each,
is found by a few thousand rows; its minutes come with a fleet's.
"""

from typing import Any

from psycopg import AsyncCursor
from psycopg.rows import tuple_row

from wum_cloud.database import Pool


class Explained(AsyncCursor[Any]):
    """Notes how many rows the plan of each statement that begins so goes through."""

    begin = ""
    found: list[int] = []

    @classmethod
    async def on(cls, pool: Pool, begin: str) -> "type[Explained]":
        """Look at the statements of the only connection of `pool`."""
        kind = type("Explained", (cls,), {"begin": begin, "found": []})
        async with pool.connection() as connection:
            connection.cursor_factory = kind
        return kind

    async def execute(self, query: Any, params: Any = None, **how: Any) -> Any:
        text = query if isinstance(query, bytes | str) else query.as_string(self.connection)
        text = text if isinstance(text, str) else text.decode()
        if text.strip().startswith(self.begin):
            await self._explain(text, params)
        return await super().execute(query, params, **how)

    async def _explain(self, text: str, params: Any) -> None:
        async with AsyncCursor(self.connection, row_factory=tuple_row) as cursor:
            await cursor.execute("savepoint explained")
            await cursor.execute(
                ("explain (analyze, timing off, format json) " + text).encode(), params)
            [[plan]] = await cursor.fetchall()
            await cursor.execute("rollback to savepoint explained")
        self.found.append(gone_through(plan[0]["Plan"]))


def gone_through(plan: dict[str, Any]) -> int:
    """Rows that came out of any step of a plan, those that a filter left out included."""
    own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
           + plan.get("Rows Removed by Join Filter", 0)) * plan["Actual Loops"]
    return round(own) + sum([gone_through(part) for part in plan.get("Plans", [])])
