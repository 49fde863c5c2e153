"""`wum-cloud meter`: the acts of a meter's life, typed at the machine."""

import psycopg
import pytest

from tests.cloud.registry.town_file import content, register_town, town
from wum_cloud import __main__ as program
from wum_cloud.audit.acts import Actor
from wum_cloud.database import connect
from wum_cloud.registry.bulk.importing import import_registry


@pytest.fixture
async def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Four meters on a bus of "cabinet 0"."""
    register_town(database_url, 4)

    async def told(stage: str, done: int, total: int) -> None:
        """Nobody looks on."""

    async with await connect(database_url) as connection:
        await import_registry(connection, 1, Actor(1, "ana", ""), content(town(4)), told,
                              dry_run=False)
    monkeypatch.setenv("WUM_DATABASE_URL", database_url)
    return database_url


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def typed(*words: str) -> int:
    return program.run(["meter", *words, "--reason", "as the crew said"])


def test_a_meter_is_added_moved_replaced_and_archived(
        url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("add", "N1", "--model", "m", "--point", "DP-N", "--concentrator", "cabinet 0",
                 "--bus", "rs485", "--address", "44", "--schedule", "hourly") == 0
    assert typed("move", "N1", "--address", "45") == 0
    assert typed("replace", "N1", "N2", "--at", "2026-03-01T10:00+00:00") == 1
    assert "N1" in capsys.readouterr().err, "it was added only now"
    assert typed("replace", "N1", "N2", "--note", "seal 12") == 0
    assert typed("archive", "N2") == 0
    assert ask(url, "select serial, address, model, archived_at is not null from meter"
                    " where serial like 'N%' order by 1") == [
        ("N1", "45", "m", True), ("N2", "45", "m", True)]
    assert ask(url, "select act, said_by like 'command line (%' from meter_act order by 1, 2") == [
        (act, True) for act in ("added", "archived", "moved", "replaced", "replaces")]
    assert "is sent from the concentrator's page" in capsys.readouterr().out


def test_what_is_wrong_is_one_sentence_and_nothing_is_done(
        url: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
            (("archive", "NONE"), "There is no meter NONE."),
            (("move", "M0000000", "--concentrator", "cabinet 9"), "no concentrator"),
            (("move", "M0000000"), "It is there already"),
            (("archive", "M0000000", "--at", "yesterday"), "wanted a time like 2026"),
            (("archive", "M0000000", "--at", "2026-03-01T10:00"), "say of which zone"),
            (("archive", "M0000000", "--final", "1-0:1.8.0=5"), "a register that counts up"),
            (("archive", "M0000000", "--tenant", "nobody"), "no tenant called nobody")):
        assert typed(*words) == 1
        assert said in capsys.readouterr().err
    assert ask(url, "select count(*) from meter_act") == [(0,)]
