"""Names on the audit trail: entries hold pseudonyms, and the check covers what they stand for."""

from pathlib import Path

import psycopg
import pytest

from tests.cloud.audit.test_audit_store import judge, tamper
from wum_cloud.audit import acts, store
from wum_cloud.audit.acts import Actor, Named
from wum_cloud.audit.commands import export, verify, verify_file
from wum_cloud.database import Pool

ANA = Actor(1, "ana (token reader)", "10.0.0.1", "ana")


async def fill(pool: Pool) -> None:
    """What ana did, on herself, on bob, and what bob did."""
    async with pool.connection() as connection:
        await store.note(connection, ANA, acts.ACCOUNT_MADE, Named("bob"), role="operator")
        await store.note(connection, ANA, acts.PASSWORD_CHANGED, "ana", who=Named("eva"))
        await store.note(connection, Actor(1, "bob", "10.0.0.1", "bob"), acts.SIGNED_IN)


def ask(url: str, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(question.encode()).fetchall()


async def test_an_entry_holds_no_name_and_no_address_of_a_person(
        pool: Pool, database_url: str) -> None:
    await fill(pool)
    kept = str(ask(database_url, "select account, address, subject, detail from audit_entry"))
    assert "ana" not in kept and "bob" not in kept and "eva" not in kept and "10.0." not in kept
    assert "(token reader)" in kept and "operator" in kept
    assert ask(database_url, "select count(*) from audit_word where text = '10.0.0.1'") == [(2,)], (
        "of each person one: nobody sees that two came from one place once both are forgotten")
    async with pool.connection() as connection:
        found = await store.search(connection, 1, store.Search(), None, 10)
    assert [(e.account, e.address, e.subject, e.detail) for e in reversed(found)] == [
        ("ana (token reader)", "10.0.0.1", "bob", {"role": "operator"}),
        ("ana (token reader)", "10.0.0.1", "ana", {"who": "eva"}),
        ("bob", "10.0.0.1", "", {})]


async def test_a_search_finds_names_and_nothing_that_a_pseudonym_happens_to_spell(
        pool: Pool, database_url: str) -> None:
    await fill(pool)
    [(own,)] = ask(database_url, "select pseudonym from audit_word where text = 'bob'")
    async with pool.connection() as connection:
        async def numbers(text: str) -> list[int]:
            return [e.number for e in await store.search(
                connection, 1, store.Search(text), None, 10)]
        assert await numbers("BO") == [3, 1] and await numbers("eva") == [2]
        assert await numbers("0.0.0.1") == [3, 2, 1] and await numbers("reader") == [2, 1]
        assert await numbers(str(own)[1:8]) == []
        assert await numbers(str(own)) == [3, 1], "but for a whole one, as a page shows it"


async def test_whoever_is_forgotten_is_in_no_entry_and_the_chain_holds(
        pool: Pool, database_url: str, tmp_path: Path) -> None:
    await fill(pool)
    anchor, file = tmp_path / "anchor", tmp_path / "audit.ndjson"
    assert await verify(database_url, anchor) == 0
    async with pool.connection() as connection:
        own = await store.pseudonym(connection, 1, "ana")
        await store.forget_words(connection, 1, own)
        await store.note(connection, Actor(1, "bob", "", "bob"), acts.ACCOUNT_FORGOTTEN, own)
        found = await store.search(connection, 1, store.Search(), None, 10)
    assert [e.account for e in reversed(found)] == [
        own + " (token reader)", own + " (token reader)", "bob", "bob"], "who is one is still one"
    assert found[-1].subject == "bob" and found[-1].address.startswith("@")
    assert await verify(database_url, anchor) == 0
    assert await export(database_url, file) == 0
    assert "ana" not in file.read_text() and verify_file(file) == 0
    assert judge(file, anchor) == (0, "4 entries: whole.\n")


@pytest.mark.parametrize(("statement", "told"), [
    ("update audit_word set text = 'eve' where text = 'ana'", "eve is not who @"),
    ("update audit_word set text = '10.0.0.9' where text = '10.0.0.1'", "10.0.0.9 is not who @"),
    ("delete from audit_word where text = 'ana'", "chain 1, entry 1: whom @"),
    ("delete from audit_word where text = 'bob'", "chain 1, entry 1: whom @"),
    ("delete from audit_word where text = 'eva'", "chain 1, entry 2: whom @"),
    ("delete from audit_word where text = '10.0.0.1'", "chain 1, entry 1: whom @"),
])
async def test_the_check_finds_a_name_that_was_changed_or_taken_away(
        pool: Pool, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
        statement: str, told: str) -> None:
    """Nobody puts an act down to somebody else, nor makes a person vanish without an entry."""
    await fill(pool)
    assert await verify(database_url, None) == 0
    tamper(database_url, statement)
    assert await verify(database_url, None) == 1
    assert told in capsys.readouterr().out
    file = tmp_path / "audit.ndjson"
    assert await export(database_url, file) == 0
    assert verify_file(file) == 1 and judge(file)[0] == 1


async def test_two_people_of_one_name_one_after_the_other_are_two(
        pool: Pool, database_url: str) -> None:
    await fill(pool)
    async with pool.connection() as connection:
        first = await store.pseudonym(connection, 1, "ana")
        await store.forget_words(connection, 1, first)
        await store.note(connection, ANA, acts.ACCOUNT_FORGOTTEN, first)
        assert await store.pseudonym(connection, 1, "ana") != first
