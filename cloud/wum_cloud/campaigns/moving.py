"""What becomes of one member, from what its concentrator told and what time it is. Pure.

Left out: waves, and when a campaign stops (cohort.py).
"""

from dataclasses import replace

from wum_cloud.campaigns import faults, states
from wum_cloud.campaigns.plan import Plan
from wum_cloud.campaigns.states import (
    Act,
    Assign,
    CallOff,
    Confirm,
    Entry,
    Member,
    Reads,
    Target,
    Told,
)
from wum_shared import updates

ANSWER_AGAIN_S = 120          # To who tells the same; it is told once a minute.
GRACE_S = 900                 # After its window, for what was told to come.
_OF_STANDING = {updates.FETCHING: states.FETCHING, updates.STAGED: states.STAGED,
                updates.TRIAL: states.TRIAL}
_OFF = b"off"


def runs(told: Told | None, digest: bytes) -> bool:
    """Whether it runs this release, and not on trial."""
    return told is not None and told.digest == digest and told.state != updates.TRIAL


class Mover:
    """Moves members of one campaign at one moment; gathers what is to be done and said."""

    def __init__(self, plan: Plan, target: Target, state: str, now_s: float) -> None:
        self._plan, self._target = plan, target
        self._state, self._now_s = state, now_s
        self.acts: list[Act] = []
        self.log: list[Entry] = []

    def moved(self, one: Member) -> Member:
        """The member after what is known now."""
        if one.state in states.ACTIVE:
            return self._active(one)
        if one.state == states.CONFIRMED:
            return self._confirmed(one)
        if one.state == states.RETURNING:
            return self._returning(one)
        if one.state == states.WAITING:
            return self._waiting(one)
        if one.state in (states.FAILED, states.LEFT):
            return self._over(one)
        if one.state == states.GOOD and one.told is not None and not runs(
                one.told, self._target.digest) and one.told.state != updates.TRIAL:
            return self._failed(one, faults.FELL_BACK, one.told.note or "it runs release %d" % (
                one.told.sequence))
        return one

    def begun(self, one: Member, begins_s: float, ends_s: float) -> Member:
        """It is ordered to run the release, or runs it already."""
        if runs(one.told, self._target.digest):
            return self._to(one, states.SKIPPED, "it ran release %d before" % self._target.sequence)
        self.acts.append(Assign(one.concentrator_id, begins_s, ends_s))
        home = (one.told.sequence, one.told.digest) if one.told else (0, b"")
        return self._to(
            replace(one, tries=one.tries + 1, begins_s=begins_s, ends_s=ends_s, fault="",
                    ordered_s=one.ordered_s or self._now_s, deadline_s=ends_s + GRACE_S,
                    answered=b"",
                    home=home[0], home_digest=home[1], order="", order_words="", told=None),
            states.ORDERED, "try %d" % (one.tries + 1))

    def back(self, one: Member, fault: str, words: str) -> Member:
        """It is to run again what it ran before, where that is possible."""
        one = replace(one, fault=fault)
        if not one.can_return or one.home < self._plan.floor:
            return self._to(one, states.FAILED, words + "; what ran before is not at hand")
        ends_s = self._now_s + self._plan.within_s
        self.acts.append(Assign(one.concentrator_id, self._now_s, ends_s, is_back=True))
        return self._to(
            replace(one, begins_s=self._now_s, ends_s=ends_s, order="", order_words="",
                    deadline_s=ends_s + self._plan.patience_s, answered=b"", told=None),
            states.RETURNING, words + "; it goes back to release %d" % one.home)

    def _active(self, one: Member) -> Member:
        told = one.told
        if runs(told, self._target.digest):
            return self._home(one)
        if self._state not in (states.RUNNING, states.PAUSED, states.DONE):
            return self._off(one)
        if told is not None and told.is_ours:
            if told.state == updates.REVERTED:
                return self._failed(one, faults.fault_of(told.note), told.note)
            if told.state == updates.CALLED_OFF:
                return self._failed(one, faults.CALLED_OFF, told.note)
            one = self._answered(self._following(one, told), told)
        elif one.order in ("failed", "expired", "withdrawn"):
            return self._failed(one, faults.fault_of(one.order_words)
                                if one.order == "failed" else faults.SILENT,
                                one.order_words or "the order did not reach it in its time")
        if self._now_s >= one.deadline_s and self._state != states.PAUSED:
            return self._failed(one, faults.SILENT, "nothing was heard in its time; it was %s" % (
                one.state))
        return one

    def _following(self, one: Member, told: Told) -> Member:
        state = _OF_STANDING.get(told.state, one.state)
        return one if state == one.state else self._to(one, state, told.note)

    def _answered(self, one: Member, told: Told) -> Member:
        """Go on, where it asks whether it may, and may."""
        is_trial = told.state == updates.TRIAL
        may_begin = (told.state == updates.STAGED and self._now_s >= one.begins_s
                     and (self._state == states.RUNNING or one.state == states.RETURNING))
        if not (is_trial or may_begin) or not self._is_new(one, told.nonce):
            return one
        digest = one.home_digest if one.state == states.RETURNING else self._target.digest
        if is_trial and told.digest != digest:
            return one
        self.acts.append(Confirm(one.concentrator_id, digest, told.nonce))
        return replace(one, answered=told.nonce, answered_s=self._now_s, deadline_s=(
            one.deadline_s if is_trial else self._now_s + self._plan.patience_s))

    def _is_new(self, one: Member, what: bytes) -> bool:
        return one.answered != what or self._now_s >= one.answered_s + ANSWER_AGAIN_S

    def _home(self, one: Member) -> Member:
        return self._to(replace(
            one, fault="", confirmed_s=self._now_s, before=None, after=None,
            judged_s=self._now_s + self._plan.soak_s + self._plan.settle_s),
            states.CONFIRMED, "it runs release %d" % self._target.sequence)

    def _confirmed(self, one: Member) -> Member:
        if one.told is not None and not runs(one.told, self._target.digest):
            if one.told.state == updates.TRIAL:
                return one
            return self._failed(one, faults.FELL_BACK, one.told.note or "it runs release %d" % (
                one.told.sequence))
        if self._now_s < one.judged_s or one.before is None or one.after is None:
            return one
        words = compared(one.before, one.after)
        if is_worse(one.before, one.after, self._plan.worse_points):
            return self.back(one, faults.WORSE, words)
        return self._to(one, states.GOOD, words)

    def _returning(self, one: Member) -> Member:
        told = one.told
        if runs(told, one.home_digest):
            return self._to(one, states.RETURNED, "it runs release %d again" % one.home)
        if told is not None and told.is_ours:
            if told.state in (updates.REVERTED, updates.CALLED_OFF):
                return self._to(replace(one, fault=faults.NOT_BACK), states.FAILED, told.note)
            one = self._answered(one, told)
        elif one.order in ("failed", "expired", "withdrawn"):
            return self._to(replace(one, fault=faults.NOT_BACK), states.FAILED,
                            one.order_words or "the order to go back did not reach it")
        if self._now_s >= one.deadline_s:
            return self._to(replace(one, fault=faults.NOT_BACK), states.FAILED,
                            "nothing was heard of its way back")
        return one

    def _waiting(self, one: Member) -> Member:
        if self._state in (states.STOPPED, states.ABORTED, states.DONE):
            return self._to(one, states.LEFT, "the campaign ended before")
        return one

    def _over(self, one: Member) -> Member:
        """It may speak late: what it says then is the truth."""
        if not one.tries or one.fault in (faults.WORSE, faults.WORSE_WAVE, faults.NOT_BACK):
            return one
        if runs(one.told, self._target.digest):
            return self._home(one)
        told = one.told
        if told is None or not told.is_ours or told.state not in _OF_STANDING:
            return one
        if self._state == states.RUNNING and one.state == states.FAILED and (
                one.fault == faults.SILENT):
            return self._to(replace(one, fault="", deadline_s=(
                self._now_s + self._plan.patience_s + GRACE_S)), _OF_STANDING[told.state],
                "it was heard late")
        return self._off(one) if self._is_new(one, _OFF) else one

    def _off(self, one: Member) -> Member:
        """Call it off. Without our word it would not begin or stay; this spares it the wait."""
        self.acts.append(CallOff(one.concentrator_id))
        one = replace(one, answered=_OFF, answered_s=self._now_s)
        return one if one.state in states.OVER else self._to(
            one, states.LEFT, "called off as it was %s" % one.state)

    def _failed(self, one: Member, fault: str, words: str) -> Member:
        after_s = faults.retry_after(fault, one.tries)
        if after_s is None or self._state != states.RUNNING or one.state not in states.ACTIVE:
            return self._to(replace(one, fault=fault), states.FAILED, words)
        return self._to(replace(one, fault=fault, due_s=self._now_s + after_s), states.WAITING,
                        words + "; tried again in %d min" % -(-after_s // 60))

    def _to(self, one: Member, state: str, words: str) -> Member:
        self.log.append(Entry(one.concentrator_id, state, words))
        return replace(one, state=state, words=words)


def is_worse(before: Reads, after: Reads, points: int) -> bool:
    """Whether a share fell by more than so many percent points. Without readings: it did not."""
    if not before.expected or not after.expected:
        return False
    return (100 * after.received * before.expected + points * before.expected * after.expected
            < 100 * before.received * after.expected)


def compared(before: Reads, after: Reads) -> str:
    """For a person."""
    if not before.expected or not after.expected:
        return "no readings to compare"
    return "%d of %d readings after, %d of %d before" % (
        after.received, after.expected, before.received, before.expected)
