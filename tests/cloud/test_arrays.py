"""NumPy arrays go into a query as they are."""

import numpy as np

from wum_cloud.database import connect


async def test_an_array_arrives_whole_and_in_order(database_url: str) -> None:
    numbers = np.array([0, -1, 2**62, -2**63, 7], np.int64)
    async with await connect(database_url) as connection:
        rows = await (await connection.execute("select %b", [numbers])).fetchone()
        assert rows is not None and rows[0] == numbers.tolist()
        found = await (await connection.execute(
            "select sum(x), count(*) from unnest(%b) as n (x)", [numbers[:0]])).fetchone()
        assert found == (None, 0)
        part = await (await connection.execute("select %b", [numbers[::2]])).fetchone()
        assert part is not None and part[0] == numbers[::2].tolist()
