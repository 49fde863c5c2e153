"""GET /metrics in a monitoring system's eyes, the rules that call a person, and GET /readyz."""

import re
from pathlib import Path

import httpx
import pytest
import yaml
from fastapi import FastAPI
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from tests.cloud.concentrator import Concentrator
from tests.cloud.conftest import HeadEnd
from tests.cloud.web.people import People
from wum_cloud.database import Pool
from wum_cloud.figures import counted, store
from wum_cloud.figures.families import Unreadable, merged, of_json
from wum_cloud.figures.telling import Teller
from wum_cloud.health.fleet.seen import OF_INSTALLATION
from wum_cloud.web import ready

RULES = Path(__file__).resolve().parents[3] / "deploy" / "prometheus" / "alerts.yml"


async def _figures(client: httpx.AsyncClient) -> dict[str, dict[str, float]]:
    """{sample: {labels: value}}, as the official parser reads the answer."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = ",".join("%s=%s" % pair for pair in sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {}), (sample.name, labels)
            found[sample.name][labels] = sample.value
    return found


@pytest.fixture
def fresh(app: httpx.ASGITransport, application: FastAPI) -> FastAPI:
    """Nothing of the fleet is remembered from before."""
    return application


async def test_figures_of_the_fleet_are_those_of_the_database(
        head_end: HeadEnd, system: httpx.AsyncClient) -> None:
    one = Concentrator()
    silent = Concentrator()    # Says nothing of its meters.
    await head_end.register(silent)
    await head_end.welcome(one)
    await head_end.take(one.send_rows(one.row()))
    head_end.do("insert into backup_made (made_at, size_bytes) values ('2026-03-01Z', 77)")
    figures = await _figures(system)
    assert figures["wum_concentrators"] == {
        "state=delivering": 0, "state=behind": 1, "state=never": 1, "state=revoked": 0}
    assert figures["wum_meters"]["state=late"] == len(one.schema.meters)
    assert figures["wum_ingest_counted_today"]["what=rows"] == 1
    assert figures["wum_last_backup_bytes"][""] == 77
    assert figures["wum_last_backup_timestamp_seconds"][""] == 1772323200
    assert figures["wum_epochs_opened_last_day"][""] == 1    # Of those that talk.
    assert figures["wum_build_info"].popitem()[1] == 1
    assert figures["wum_ingest_rows_total"]["process=web-0"] >= 1   # Taken in by this process.


async def test_open_metrics_reads_it_too(system: httpx.AsyncClient) -> None:
    answer = await system.get("/metrics", headers={
        "Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert "wum_database_bytes" in [family.name for family in open_metrics(answer.text)]


async def test_requests_are_counted_by_route_and_no_address_makes_a_figure(
        system: httpx.AsyncClient) -> None:
    for path in ("/api/v1/meters/secret-serial", "/nowhere/secret-page", "/api/v1/meters?x=%00",
                 "/static/secret.js"):
        await system.get(path)
    await system.request("SECRET", "/healthz")
    answer = (await system.get("/metrics")).text
    assert "secret" not in answer.lower()
    figures = await _figures(system)
    routes = {re.sub(r".*route=([^,]*).*", r"\1", labels)
              for labels in figures["wum_http_requests_total"]}
    assert {"/api/v1/meters/{serial}", "(none)", "(refused)", "/static"} <= routes
    assert figures["wum_http_requests_total"][
        "method=GET,process=web-0,route=/api/v1/meters/{serial},status=404"] >= 1
    assert "le=0.1,process=web-0,route=/metrics" in figures["wum_http_request_seconds_bucket"]


async def test_nobody_reads_them_without_the_right_and_no_tenant_another_s(
        nobody: httpx.AsyncClient, people: People, head_end: HeadEnd) -> None:
    assert (await nobody.get("/metrics")).status_code == 401
    await head_end.welcome(Concentrator())
    people.browser("administrator", tenant=people.tenant("other"), name="eve")
    async with people.machine("integrator", "eve") as eve:
        figures = await _figures(eve)
    assert sum(figures["wum_concentrators"].values()) == 0
    assert sum(figures["wum_meters"].values()) == 0


@pytest.mark.parametrize("role", ["administrator", "operator", "integrator"])
async def test_what_is_of_the_installation_is_for_no_tenant_but_the_first(
        people: People, system: httpx.AsyncClient, role: str) -> None:
    """How much others ask, and how the machine stands, is nobody's who rents a place on it."""
    whole = {name for name, by in (await _figures(system)).items()
             if name in OF_INSTALLATION or any("process=" in labels for labels in by)}
    assert len(whole) > 10 and "wum_database_bytes" in whole
    people.browser("administrator", tenant=people.tenant("other"), name="eve")
    async with people.machine(role, "eve") as eve:
        theirs = await _figures(eve)
    assert "wum_concentrators" in theirs and not whole & {*theirs}


async def test_who_may_see_the_fleet_does_not_see_the_processes_with_it(people: People) -> None:
    async with people.browser("dispatcher", name="dan") as dan:
        assert "process=" not in str(await _figures(dan))
    async with people.browser("operator", name="olga") as olga:
        assert "process=" in str(await _figures(olga))


@pytest.fixture
def people(app: httpx.ASGITransport, database_url: str) -> People:
    return People(database_url, app)


async def test_figures_of_every_process_that_runs_are_told_under_its_name(
        pool: Pool, system: httpx.AsyncClient) -> None:
    first, second = Teller(pool, "ingest"), Teller(pool, "ingest")
    await first.tell()
    await second.tell()
    assert [first.name, second.name] == ["ingest-0", "ingest-1"]
    figures = await _figures(system)
    assert set(figures["wum_broker_connected"]) == {
        "process=ingest-0", "process=ingest-1", "process=web-0"}
    assert set(figures["wum_process_told_seconds_ago"]) == set(figures["wum_broker_connected"])
    await first.leave()
    third = Teller(pool, "ingest")
    await third.tell()
    assert third.name == "ingest-0"       # Its figures go on under the name that was left.


async def test_who_was_silent_too_long_gives_its_name_up(
        pool: Pool, head_end: HeadEnd) -> None:
    lost, new = Teller(pool, "ingest"), Teller(pool, "ingest")
    await lost.tell()
    head_end.do("update process_figure set told_at = now() - interval '61 s'")
    await new.tell()
    assert new.name == "ingest-0"
    await lost.tell()
    async with pool.connection() as connection:
        assert [one.process for one in await store.told(connection)] == ["ingest-0"]
    await lost.tell()
    assert lost.name == "ingest-1"


def test_what_is_no_figures_is_not_read() -> None:
    for told in ("", "7", "[[1]]", '[["a","b","counter",[["a",7,1]]]]', "[[1,2,3,4]]"):
        with pytest.raises(Unreadable):
            merged({"x": of_json(told)})


def _rules() -> list[dict[str, object]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"]
            for rule in group["rules"]]


async def test_every_rule_asks_for_figures_that_there_are_and_says_what_to_do(
        head_end: HeadEnd, pool: Pool, system: httpx.AsyncClient) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    await head_end.take(one.send_rows(one.row()))
    head_end.do("insert into backup_made (size_bytes) values (77)")
    head_end.do("insert into trust_document values (1, 'x', 'x', %s, 'x', now(), 'x', %s)",
                bytes(32), bytes(32))
    head_end.do("insert into ledger_state (concentrator_id, computed_until, time_zone)"
                " select concentrator_id, now(), 'UTC' from concentrator"
                " on conflict (concentrator_id) do update set computed_until = now()")
    counts = list(head_end.ask(
        "select column_name::text from information_schema.columns"
        " where table_name = 'ledger_tenant_day' and is_generated = 'NEVER'"
        "   and column_name not in ('tenant_id', 'day')"))
    head_end.do("insert into ledger_tenant_day (tenant_id, day, %s) select 1, current_date - n, %s"
                " from generate_series(0, 3) as n" % (", ".join(counts), ", ".join("1" * len(
                    counts))))
    counted.REFUSED.labels("malformed").inc()
    head_end.do("insert into command (tenant_id, concentrator_id, request_id, order_id, kind,"
                " arguments, shown, reason, state, requested_by, needs_approval, begins_at,"
                " expires_at, due_at) select 1, concentrator_id, 1, 'abcdefgh', 1, '', '',"
                " 'because', 'sent', 'ana', false, now(), now() + interval '1 h', now()"
                " from concentrator")
    there = set(await _figures(system))
    told = [rule for rule in _rules() if "alert" in rule]
    assert len(told) >= 15
    for rule in told:
        named = set(re.findall(r"\bwum_\w+", str(rule["expr"])))
        assert named or "up{" in str(rule["expr"]), rule["alert"]
        assert named <= there, (rule["alert"], named - there)
        assert rule["labels"]["severity"] in ("page", "ticket")            # type: ignore[index]
        assert len(rule["annotations"]["action"]) > 40, rule["alert"]      # type: ignore[index]


async def test_readiness_names_the_part_that_is_not_ready_and_why(
        pool: Pool, head_end: HeadEnd, nobody: httpx.AsyncClient,
        monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await nobody.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]["database"]) == (503, "ready")
    assert "no process" in answer.json()["parts"]["ingest"]
    assert (await nobody.get("/readyz?of=console")).json() == {
        "ready": True, "parts": {"database": "ready", "tables": "ready", "disk": "ready"}}
    teller = Teller(pool, "ingest")
    counted.BROKER_CONNECTED.set(0)
    await teller.tell()
    assert "connected" in (await nobody.get("/readyz")).json()["parts"]["broker"]
    counted.BROKER_CONNECTED.set(1)
    await teller.tell()
    counted.BROKER_CONNECTED.set(0)
    assert (await nobody.get("/readyz")).status_code == 200
    monkeypatch.setattr(ready, "SPACE_MIN_BYTES", 2**62)
    assert "left" in (await nobody.get("/readyz")).json()["parts"]["disk"]
    monkeypatch.undo()
    head_end.do("delete from schema_migration where number = 27")
    answer = await nobody.get("/readyz")
    assert answer.status_code == 503
    assert "0027" in answer.json()["parts"]["tables"]
    assert (await nobody.get("/healthz")).status_code == 200


async def test_without_a_database_it_is_alive_and_not_ready(
        application: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    from wum_cloud.settings import settings_from
    from wum_cloud.web.app import configure
    monkeypatch.setattr(ready, "_WAIT_S", 0.2)
    configure(application, settings_from({
        "WUM_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}))
    async with application.router.lifespan_context(application), httpx.AsyncClient(
            transport=httpx.ASGITransport(application), base_url="http://localhost") as client:
        answer = await client.get("/readyz?of=console")
        assert (answer.status_code, answer.json()["parts"]["database"]) == (
            503, "it does not answer")
        assert (await client.get("/healthz")).status_code == 200


