"""Migrations: once each, in order, forward only, and by one at a time."""

import asyncio

import psycopg
import pytest

from wum_cloud.database import DatabaseError, connect, migrate
from wum_cloud.migrations import store
from wum_cloud.migrations.store import MigrationError, known_migrations, pending


async def test_an_empty_database_gets_every_migration_once(empty_database_url: str) -> None:
    async with await connect(empty_database_url) as connection:
        engine = await store.engine_on_offer(connection)
    applied = await migrate(empty_database_url)
    assert applied == [m.name for m in known_migrations() if m.engine in (None, engine)]
    assert await migrate(empty_database_url) == []


async def test_many_at_once_apply_each_migration_once(empty_database_url: str) -> None:
    applied = await asyncio.gather(*[migrate(empty_database_url) for _ in range(4)])
    assert sorted([len(names) for names in applied])[:3] == [0, 0, 0]


async def test_a_migration_that_fails_leaves_nothing_behind(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("create table concentrator_epoch (mine integer)")
    with pytest.raises(psycopg.errors.DuplicateTable):
        await migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("select to_regclass('tenant')").fetchone() == (None,)
        connection.execute("drop table concentrator_epoch")
    assert len(await migrate(empty_database_url)) > 3


async def test_a_file_that_was_changed_after_it_ran_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("update schema_migration set digest = 'x' where number = 2")
    with pytest.raises(MigrationError, match="0002_readings was changed"):
        await migrate(database_url)


async def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into schema_migration values (9999, '9999_later', 'plain', 'x')")
    with pytest.raises(MigrationError, match="9999_later.*newer version"):
        await migrate(database_url)


async def test_the_engine_stays_what_it_was(database_url: str) -> None:
    async with await connect(database_url) as connection:
        engine, applied = await store.journal(connection)
        assert engine is not None and engine == await store.engine_on_offer(connection)
    assert pending(applied, engine) == []


def test_every_number_stands_once_for_every_engine() -> None:
    for engine in (store.PLAIN, store.TIMESCALE):
        numbers = [m.number for m in known_migrations() if m.engine in (None, engine)]
        assert numbers == list(range(1, len(numbers) + 1))


def test_both_engines_have_the_same_columns() -> None:
    plain, timescale = [
        m.sql[m.sql.index("create table reading ("):m.sql.index("primary key (meter_id")]
        for m in known_migrations() if m.name == "0004_reading"]
    assert plain == timescale


async def test_a_database_that_does_not_answer_is_a_sentence_without_the_password() -> None:
    with pytest.raises(DatabaseError, match="does not answer.*WUM_DATABASE_URL") as caught:
        await connect("postgresql://somebody:secret@127.0.0.1:1/wum")
    assert "secret" not in str(caught.value)
