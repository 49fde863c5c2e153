"""What a concentrator said of its own disk and clock, as an integrator asks for it."""

import httpx
import psycopg

from tests.cloud.web.street import DEVICE, Street

PATH = f"/api/v1/concentrators/{DEVICE.hex()}/condition"


async def test_who_has_told_nothing_is_told_apart_from_who_does_not_exist(
        system: httpx.AsyncClient, street: Street) -> None:
    answer = await system.get(PATH)
    assert answer.status_code == 404 and "has not told how its disk" in answer.json()["detail"]
    answer = await system.get("/api/v1/concentrators/0000000000000000/condition")
    assert answer.status_code == 404 and "There is no concentrator" in answer.json()["detail"]


async def test_it_is_given_as_it_was_told_with_both_clocks(
        system: httpx.AsyncClient, street: Street) -> None:
    with psycopg.connect(street.url) as connection:
        connection.execute(
            "insert into concentrator_condition"
            " select concentrator_id, 0, 1, '2029-03-01T10:00Z', '2026-03-01T10:00Z', 2, 2,"
            " '2026-03-01T09:00Z', 12, 3, 60 from concentrator")
    assert (await system.get(PATH)).json() == {
        "told_at": "2029-03-01T10:00:00Z", "arrived_at": "2026-03-01T10:00:00Z",
        "time_quality": "none", "clock_behind_s": 60, "disk": "read-only",
        "disk_since": "2026-03-01T09:00:00Z", "waiting": 12, "given_up": 3}
