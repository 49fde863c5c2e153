"""500 commands through the chaos, 100 of them a group's: none twice, none whose state lies."""

import pytest

from tests.system.chaos.commands import Parts, run
from wum_cloud.commands.sending.turns import Turn, turn
from wum_edge.orders.desk import Desk
from wum_edge.orders.freshness import IN_TIME, Freshness
from wum_edge.orders.journal import Entry, Journal
from wum_shared.orders import Order


def test_500_commands_are_carried_out_once_at_most_and_no_state_lies():
    outcome = run(1)
    assert outcome.broken == ""
    assert sum(outcome.states.values()) == 500 and outcome.cuts > 50
    assert outcome.states["done"] > 250 and outcome.replayed > 3000
    assert outcome.acts >= outcome.states["done"]


class JournalAfterTheAct(Desk):
    """What is begun is on record as begun only once it is over."""

    def _begin(self, order: Order, *, is_late: bool) -> None:
        entry = self._journal.find(order.sequence, order.id)
        assert entry is not None
        self.acts[order.kind].begin(order, lambda result: self._done(entry, result))


class WindowNotChecked(Freshness):
    """Any time is a good time."""

    def judge(self, order: Order, *, known_s: int, is_new: bool) -> tuple[int, int, int]:
        """In time."""
        return IN_TIME, 0, 1000


class SequenceNotKept(Journal):
    """What is remembered is gone with the power."""

    def __init__(self, flash: object) -> None:
        super().__init__(flash)  # type: ignore[arg-type]
        self._entries, self.cut, self.floor = {}, [], 0


class ActNotLookedFor(Journal):
    """An act is known by the number of its order alone."""

    def find(self, sequence: int, act: bytes) -> Entry | None:
        """By number."""
        return self._entries.get(sequence)


def says_expired(state: str, past_s: float, sent: int, **more: bool) -> Turn:
    """What was not answered in its time was not carried out, was it?"""
    taken = turn(state, past_s, sent, **more)
    return Turn("expired", taken.again_s, False, False) if taken.state == "unknown" else taken


@pytest.mark.parametrize(("parts", "words"), [
    (Parts(desk=JournalAfterTheAct), "happened"), (Parts(freshness=WindowNotChecked), "its time"),
    (Parts(journal=SequenceNotKept), "twice"), (Parts(journal=ActNotLookedFor), "twice"),
     (Parts(turn=says_expired), "expired")])
def test_a_part_that_is_broken_on_purpose_is_noticed(parts: Parts, words: str) -> None:
    assert any(words in run(seed, parts, 150).broken for seed in (1, 2, 3))
