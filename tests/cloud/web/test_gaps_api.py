"""What is missing of a concentrator, as an integrator asks for it."""

import httpx
import psycopg

from tests.cloud.web.street import DEVICE, Street

PATH = f"/api/v1/concentrators/{DEVICE.hex()}/gaps"


async def test_who_was_never_asked_for_anything_lacks_nothing(
        system: httpx.AsyncClient, street: Street) -> None:
    answer = await system.get(PATH)
    assert answer.status_code == 200
    assert answer.json() == {"missing_records": 0, "request": None, "reasons": []}
    assert (await system.get("/api/v1/concentrators/0000000000000000/gaps")).status_code == 404


async def test_a_request_its_answer_and_the_reasons_are_shown(
        system: httpx.AsyncClient, street: Street) -> None:
    meter = street.add_meter("SDM-1")
    with psycopg.connect(street.url) as connection:
        connection.execute(
            "insert into archive (concentrator_id, incarnation, missing)"
            " select concentrator_id, 'archive1', 7 from concentrator")
        connection.execute(
            "insert into gap_request select concentrator_id, 5, '', 1, 2, '2026-03-01T10:00Z',"
            " '2026-03-01T10:02Z', 2, '2026-03-01T10:01Z', '{\"sent again\": 2}'"
            " from concentrator")
        for hour, reason, outcome in ((1, 1, 0), (2, 2, 1)):
            connection.execute(
                "insert into gap_reason select %s, to_timestamp(%s), to_timestamp(%s), %s, %s,"
                " concentrator_id, 1, '2026-03-01T10:01Z' from concentrator",
                [meter, hour * 3600, hour * 3600 + 3599, reason, outcome])
    body = (await system.get(PATH)).json()
    assert body["missing_records"] == 7
    assert body["request"] == {
        "asked_at": "2026-03-01T10:00:00Z", "ranges_by_number": 1, "ranges_by_time": 2,
        "tries": 2, "next_at": "2026-03-01T10:02:00Z", "answered_at": "2026-03-01T10:01:00Z",
        "answered": {"sent again": 2}}
    assert [(one["meter"], one["first_at"], one["reason"], one["outcome"])
            for one in body["reasons"]] == [
        ("SDM-1", "1970-01-01T01:00:00Z", "never read", None),
        ("SDM-1", "1970-01-01T02:00:00Z", "meter gave nothing", "silent")]
