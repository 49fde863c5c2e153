"""Attacks call a person: on the first page, through the API and in the metrics."""

import httpx
import pytest

from tests.cloud.concentrator import Concentrator
from tests.cloud.conftest import HeadEnd
from tests.cloud.web.conftest import NAME, SAME_ORIGIN
from tests.cloud.web.people import People
from wum_cloud.health.alarms.kinds import ALARMS
from wum_cloud.ingest.quarantine.entries import REASONS
from wum_shared.status import EVENT_ACK_REFUSED, EVENT_METER_DOUBTED


async def _raised(system: httpx.AsyncClient) -> dict[str, int]:
    found = (await system.get("/api/v1/alarms")).json()
    assert [one["kind"] for one in found] == [alarm.kind for alarm in ALARMS]
    return {one["kind"]: one["n"] for one in found if one["is_raised"]}


async def test_every_kind_is_raised_by_what_it_is_named_for_and_by_nothing_else(
        head_end: HeadEnd, system: httpx.AsyncClient, nobody: httpx.AsyncClient,
        people: People) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    await head_end.take(one.send_rows(one.row()))
    assert await _raised(system) == {}

    genuine = one.send_rows(one.row(1))
    await head_end.take(type(genuine)(
        genuine.topic, genuine.payload[:-1] + bytes([genuine.payload[-1] ^ 1]),
        genuine.session, genuine.message_id, genuine.qos))
    assert await _raised(system) == {"forged uplink": 1}
    await head_end.welcome(Concentrator(serials=["M-1"]))
    for kind in (EVENT_ACK_REFUSED, EVENT_METER_DOUBTED):
        head_end.do("insert into event (concentrator_id, incarnation, sequence, at, time_quality,"
                    " kind, note) select concentrator_id, 'abcdefgh', %s, now(), 0, %s, ''"
                    " from concentrator where device_id = %s", kind, kind, one.id)
    for _ in range(6):
        await nobody.post("/sign-in", data={"name": NAME, "password": "wrong"},
                          headers=SAME_ORIGIN)
    people.browser("analyst", name="curious")
    async with people.machine("integrator", "curious") as curious:
        for _ in range(25):     # The same again and again: the trail keeps one of them.
            await curious.get("/api/v1/audit")
    raised = await _raised(system)
    assert raised.keys() == {alarm.kind for alarm in ALARMS}, "every attack raised its own"
    assert raised["rights refused"] == 25
    figures = (await system.get("/metrics")).text
    for kind, n in raised.items():
        assert 'wum_alarms{kind="%s"} %d.0' % (kind, n) in figures

    head_end.do("update quarantine set last_arrived_at = now() - interval '25 h'")
    head_end.do("update event set arrived_at = now() - interval '25 h'")
    assert set(await _raised(system)) == {"sign-in locked", "rights refused"}, "after a day"
    head_end.do("update refusal_hour set hour = hour - interval '25 h'")
    assert set(await _raised(system)) == {"sign-in locked"}, "the trail is not set back"


async def test_many_who_mistook_a_page_once_are_no_alarm_and_one_who_asks_on_is(
        people: People, system: httpx.AsyncClient) -> None:
    for number in range(25):
        async with people.browser("analyst", name="a%d" % number) as client:
            assert (await client.get("/people")).status_code == 403
    assert await _raised(system) == {}
    async with people.machine("integrator", "a1") as client:
        for _ in range(18):     # With the page that makes nineteen.
            assert (await client.get("/api/v1/audit")).status_code == 403
        assert await _raised(system) == {}
        await client.get("/api/v1/tokens")
    assert await _raised(system) == {"rights refused": 20}


async def test_the_first_page_says_what_happened_and_what_to_do(
        head_end: HeadEnd, operator: httpx.AsyncClient) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    assert "Alarms" not in (await operator.get("/")).text
    head_end.do("insert into event (concentrator_id, incarnation, sequence, at, time_quality,"
                " kind, note) select concentrator_id, 'abcdefgh', 1, now(), 0, %s, ''"
                " from concentrator", EVENT_ACK_REFUSED)
    text = (await operator.get("/")).text
    assert "Alarms of the last 24 hours" in text
    assert "did not seal" in text
    assert "new-passwords --head-end" in text


async def test_alarms_of_one_tenant_are_not_anothers(
        head_end: HeadEnd, people: People) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    head_end.do("insert into event (concentrator_id, incarnation, sequence, at, time_quality,"
                " kind, note) select concentrator_id, 'abcdefgh', 1, now(), 0, %s, ''"
                " from concentrator", EVENT_ACK_REFUSED)
    people.browser("administrator", tenant=people.tenant("other"), name="eve")
    async with people.machine("integrator", "eve") as eve:
        assert await _raised(eve) == {}


def test_kinds_name_what_there_is() -> None:
    assert {what for alarm in ALARMS for what in alarm.counters} <= set(REASONS)
    assert len({alarm.kind for alarm in ALARMS}) == len(ALARMS)


@pytest.fixture
def people(app: httpx.ASGITransport, database_url: str) -> People:
    return People(database_url, app)
