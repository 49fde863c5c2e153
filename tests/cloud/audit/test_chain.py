"""The chain of the audit trail: whatever is done to it shows, but for its end without a head."""

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from wum_cloud.audit.chain import (
    START,
    Entry,
    Head,
    NotAnExport,
    from_lines,
    hash_of,
    head_to_line,
    to_line,
)
from wum_cloud.audit.checker import Checker

AT = datetime(2026, 11, 21, 9, 30, 0, 250_000, tzinfo=UTC)


def trail(length: int = 6, chain: int = 1) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(1, length + 1):
        entry = Entry(chain, number, AT, "ana", "10.0.0.1", "account made", "bob",
                      {"role": "operator", "branch": "Strada Ștefan"},
                      entries[-1].hash if entries else START, b"")
        entries.append(replace(entry, hash=hash_of(entry)))
    return entries


def head_of(entries: list[Entry]) -> Head:
    return Head(entries[-1].chain, entries[-1].number, entries[-1].hash)


def found(entries: list[Entry], *heads: Head) -> list[str]:
    checker = Checker(heads)
    for entry in entries:
        checker.take(entry)
    checker.end()
    return checker.found


def test_a_whole_trail_has_no_fault():
    assert found(trail(), head_of(trail())) == []
    both = trail() + trail(3, chain=2)
    assert found(both, head_of(trail()), head_of(trail(3, chain=2))) == []


@pytest.mark.parametrize("gone", range(6))
def test_a_row_that_was_taken_out_shows_wherever_it_stood(gone: int):
    whole = trail()
    assert found(whole[:gone] + whole[gone + 1:], head_of(whole)) != []


def test_what_is_missing_is_told_by_its_place():
    whole = trail()
    assert found(whole[:2] + whole[3:], head_of(whole)) == [
        "chain 1, entry 4: 1 entry before it is gone"]
    assert found(whole[:-1], head_of(whole)) == [
        "chain 1: it ends at entry 5, and there were 6: its end is gone"]
    assert found([], head_of(whole)) != []


@pytest.mark.parametrize("change", [
    {"account": "bob"}, {"address": "10.0.0.2"}, {"act": "signed in"}, {"subject": "eve"},
    {"at": AT.replace(microsecond=250_001)}, {"detail": {"role": "operator"}},
    {"detail": {"role": "administrator", "branch": "Strada Ștefan"}}, {"chain": 2},
    {"number": 7}, {"previous_hash": bytes(31) + b"\1"}, {"hash": bytes(32)}])
def test_every_field_of_an_entry_is_covered(change: dict[str, object]):
    whole = trail()
    changed = replace(whole[2], **change)  # type: ignore[arg-type]
    assert found([*whole[:2], changed, *whole[3:]], head_of(whole)) != []


def test_entries_that_changed_places_or_came_twice_show():
    whole = trail()
    for seed in range(20):
        mixed = random.Random(seed).sample(whole, len(whole))
        assert (found(mixed, head_of(whole)) == []) == (mixed == whole)
    assert found([*whole[:3], whole[2], *whole[3:]], head_of(whole)) != []


def test_a_trail_that_was_written_anew_shows_by_a_head_that_was_noted_before():
    noted = head_of(trail(4))
    anew: list[Entry] = []
    for entry in trail():
        forged = replace(entry, subject="nobody", previous_hash=anew[-1].hash if anew else START)
        anew.append(replace(forged, hash=hash_of(forged)))
    assert found(anew, head_of(anew)) == [], "the chain itself is whole"
    assert found(anew, head_of(anew), noted) == [
        "chain 1, entry 4: it is not the one whose hash was noted"]


def test_an_entry_that_was_added_without_its_head_shows():
    assert found(trail(6), head_of(trail(5))) == ["chain 1: it goes on past its end, entry 5"]


def test_an_export_reads_back_as_it_was():
    whole = trail()
    lines = [to_line(entry) for entry in whole] + [head_to_line(head_of(whole))]
    assert list(from_lines(lines)) == [*whole, head_of(whole)]


@pytest.mark.parametrize("line", [
    "", "x", "[]", "1", "{}", '{"head": 1}', '{"head": "x", "chain": 1, "hash": ""}',
    to_line(trail()[0]).replace("2026", "x"), to_line(trail()[0]).replace('"chain": 1, ', "")])
def test_what_is_no_export_is_refused_by_its_line(line: str):
    with pytest.raises(NotAnExport, match="Line 2"):
        list(from_lines([to_line(trail()[0]), line]))


def test_no_more_faults_are_kept_than_are_told():
    checker = Checker([])
    for entry in trail(1):
        for _ in range(1000):
            checker.take(entry)
    assert len(checker.found) == 20 and checker.faults == 999
