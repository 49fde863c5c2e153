"""The decision core alone: what holds whatever concentrators tell, and each rule by itself."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wum_cloud.campaigns import faults, states
from wum_cloud.campaigns.cohort import step
from wum_cloud.campaigns.members import Candidate, waves_of
from wum_cloud.campaigns.plan import Plan, PlanRefused, opens, plan_of
from wum_cloud.campaigns.states import (
    Act,
    Assign,
    CallOff,
    Confirm,
    Course,
    Member,
    Reads,
    Step,
    Target,
    Told,
)
from wum_shared import updates

T = 1_800_000_000.0
TARGET, OLD = Target(4, b"n" * 32), Target(3, b"o" * 32)
PLAN = Plan(spread_s=0, soak_s=100, settle_s=10, at_once=3, failed_most=10, silent_most=30,
            good_least=60)
RUNNING = Course(states.RUNNING)


def told(state: int, target: Target = OLD, *, ours: bool = True, nonce: bytes = b"1" * 16,
         note: str = "") -> Told:
    return Told(ours, state, target.sequence, target.digest, 0, 9, nonce, note)


def member(number: int = 1, wave: int = 0, **more: object) -> Member:
    return replace(Member(number, wave, number, told=told(updates.CONFIRMED, ours=False)),
                   **more)   # type: ignore[arg-type]


def ordered(state: str = states.ORDERED, **more: object) -> Member:
    given: dict[str, object] = {
        "state": state, "tries": 1, "begins_s": T, "ends_s": T + 1000, "deadline_s": T + 1900,
        "home": 3, "home_digest": OLD.digest, "can_return": True, "ordered_s": T}
    return member(**(given | more))   # type: ignore[arg-type]


def one_step(one: Member, course: Course = RUNNING, at: float = T, plan: Plan = PLAN) -> Step:
    """The member alone in its wave, with enough others that are good."""
    others = [member(100 + n, 0, state=states.GOOD, told=told(updates.CONFIRMED, TARGET))
              for n in range(20)]
    last = member(99, 1)
    return step(plan, TARGET, course, [one, *others, last], at)


def after(one: Member, *arguments: object, **more: object) -> Member:
    taken = one_step(one, *arguments, **more)   # type: ignore[arg-type]
    return next((m for m in taken.members if m.concentrator_id == one.concentrator_id), one)


def acts_of(one: Member, *arguments: object, **more: object) -> list[Act]:
    taken = one_step(one, *arguments, **more)   # type: ignore[arg-type]
    return [act for act in taken.acts if act.concentrator_id == one.concentrator_id]


def test_who_runs_it_already_is_skipped_and_is_no_success():
    one = member(told=told(updates.CONFIRMED, TARGET, ours=False))
    assert after(one).state == states.SKIPPED and acts_of(one) == []
    only = step(PLAN, TARGET, RUNNING, [replace(one, state=states.SKIPPED)], T)
    assert only.course.state == states.DONE


def test_only_what_a_concentrator_reports_itself_makes_it_updated():
    one = ordered(order="done", told=told(updates.CONFIRMED, ours=False))
    assert after(one).state == states.ORDERED            # Its receipt says "done": that is taken.
    on_trial = ordered(told=told(updates.TRIAL, TARGET))
    assert after(on_trial).state == states.TRIAL
    home = ordered(states.TRIAL, told=told(updates.CONFIRMED, TARGET))
    assert after(home).state == states.CONFIRMED


def test_a_word_to_begin_is_given_in_its_window_and_while_it_runs_alone():
    one = ordered(told=told(updates.STAGED))
    assert acts_of(one) == [Confirm(1, TARGET.digest, b"1" * 16)]
    assert acts_of(replace(one, begins_s=T + 60)) == []
    assert acts_of(one, Course(states.PAUSED)) == []
    assert [type(act) for act in acts_of(one, Course(states.ABORTED))] == [CallOff]
    assert acts_of(replace(one, answered=b"1" * 16, answered_s=T)) == []
    trial = ordered(states.TRIAL, told=told(updates.TRIAL, TARGET))
    assert acts_of(trial, Course(states.PAUSED)) == [Confirm(1, TARGET.digest, b"1" * 16)]
    assert [type(act) for act in acts_of(trial, Course(states.STOPPED))] == [CallOff]


def test_silence_past_its_time_is_a_failure_and_its_word_afterwards_is_the_truth():
    one = ordered(tries=2)
    assert after(one, at=T + 1899).state == states.ORDERED
    assert after(one, Course(states.PAUSED), at=T + 1900).state == states.ORDERED
    silent = after(one, at=T + 1900)
    assert (silent.state, silent.fault) == (states.FAILED, faults.SILENT)
    late = replace(silent, told=told(updates.CONFIRMED, TARGET))
    for course in (RUNNING, Course(states.STOPPED), Course(states.DONE)):
        assert after(late, course).state == states.CONFIRMED
    late = replace(silent, told=told(updates.STAGED))
    assert after(late).state == states.STAGED
    assert [type(act) for act in acts_of(late, Course(states.DONE))] == [CallOff]


@pytest.mark.parametrize(("note", "fault", "state"), [
    ("release 4: it ended before it could tell", faults.CRASHED, states.FAILED),
    ("release 4: it hung", faults.HUNG, states.FAILED),
    ("release 4: the head-end did not answer", faults.NO_HEADEND, states.WAITING),
    ("release 4: its window was over before it could begin", faults.WINDOW, states.WAITING)])
def test_what_would_end_the_same_way_is_not_tried_again(note: str, fault: str, state: str):
    one = ordered(states.TRIAL, told=told(updates.REVERTED, note=note))
    moved = after(one)
    assert (moved.fault, moved.state) == (fault, state)
    assert note in moved.words
    assert after(one, Course(states.STOPPED)).state == states.LEFT


def test_who_reads_worse_goes_back_to_what_it_ran_and_one_that_cannot_says_so():
    one = ordered(states.CONFIRMED, told=told(updates.CONFIRMED, TARGET), judged_s=T,
                  before=Reads(100, 98), after=Reads(100, 92))
    assert [type(act) for act in acts_of(one)] == [Assign]
    assert after(one).state == states.RETURNING and "92 of 100" in after(one).words
    assert after(replace(one, after=Reads(100, 93))).state == states.GOOD
    assert after(replace(one, after=Reads(0, 0))).state == states.GOOD
    stuck = after(replace(one, can_return=False))
    assert (stuck.state, stuck.fault) == (states.FAILED, faults.WORSE)
    gone = ordered(states.RETURNING, told=told(updates.CONFIRMED, OLD))
    assert after(gone, Course(states.STOPPED)).state == states.RETURNED


def test_a_wave_that_reads_worse_as_a_whole_stops_and_goes_back():
    wave = [ordered(states.CONFIRMED, told=told(updates.CONFIRMED, TARGET), judged_s=T,
                    before=Reads(1000, 1000), after=Reads(1000, 951)) for _ in range(1)]
    wave = [replace(wave[0], concentrator_id=n) for n in range(1, 5)]
    plan = replace(PLAN, worse_points=5)
    first = step(plan, TARGET, RUNNING, wave, T)
    assert {one.state for one in first.members} == {states.GOOD}
    worse = [replace(one, state=states.GOOD, after=Reads(1000, 940)) for one in wave]
    second = step(plan, TARGET, RUNNING, worse, T)
    assert second.course.state == states.STOPPED and "reads worse" in second.course.why
    assert {one.state for one in second.members} == {states.RETURNING} and len(second.acts) == 4


def test_one_that_falls_back_later_counts_as_failed():
    one = ordered(states.GOOD, told=told(updates.REVERTED, OLD, note="release 4: it hung"))
    assert (after(one).state, after(one).fault) == (states.FAILED, faults.FELL_BACK)


def test_too_many_failures_stop_it_and_call_off_who_is_under_way():
    wave = [ordered(states.FAILED, concentrator_id=1, fault=faults.CRASHED),
            *[replace(ordered(states.FETCHING), concentrator_id=n) for n in range(2, 6)],
            member(6, 0), member(7, 1)]
    first = step(PLAN, TARGET, RUNNING, wave, T)
    assert first.course.state == states.STOPPED and "crashed 1" in first.course.why
    assert not [act for act in first.acts if type(act) is Assign]
    second = step(PLAN, TARGET, first.course, wave, T)
    assert len([act for act in second.acts if type(act) is CallOff]) == 4
    assert {one.state for one in second.members} == {states.LEFT}


FACTS = st.tuples(
    st.sampled_from([None, updates.FETCHING, updates.STAGED, updates.TRIAL, updates.CONFIRMED,
                     updates.REVERTED, updates.CALLED_OFF]), st.booleans(), st.booleans(),
    st.sampled_from(["", "sent", "done", "failed", "expired", "unknown"]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(FACTS, min_size=9, max_size=9), min_size=1, max_size=14),
       st.sampled_from([60.0, 1000.0, 8000.0]))
def test_whatever_they_tell_a_step_keeps_its_promises(
        told_by_turn: list[list[tuple[int | None, bool, bool, str]]], pace_s: float):
    members = {n: member(n, (n - 1) // 3) for n in range(1, 10)}
    course, now_s = RUNNING, T
    for facts in told_by_turn:
        for number, (state, is_new, is_ours, order) in enumerate(facts, 1):
            if state is not None:
                members[number] = replace(members[number], order=order, told=told(
                    state, TARGET if is_new else OLD, ours=is_ours and order == "done"))
            if members[number].state == states.CONFIRMED:
                members[number] = replace(
                    members[number], before=Reads(9, 9), after=Reads(9, 9 if is_ours else 2))
        before = dict(members)
        taken = step(PLAN, TARGET, course, list(members.values()), now_s)
        members |= {one.concentrator_id: one for one in taken.members}
        keeps_promises(course, taken, before, members)
        again = step(PLAN, TARGET, taken.course, list(members.values()), now_s)
        if taken.course == course:
            assert [act for act in again.acts if type(act) is Confirm] == []
        course, now_s = taken.course, now_s + pace_s


def keeps_promises(course: Course, taken: Step, before: dict[int, Member],
                   members: dict[int, Member]) -> None:
    fetching = [one for one in members.values() if one.state in (
        states.ORDERED, states.FETCHING)]
    begun = [act for act in taken.acts if type(act) is Assign and not act.is_back]
    if begun:
        assert taken.course.state == states.RUNNING
        assert len(fetching) <= max(PLAN.at_once, len([one for one in before.values() if one.state
                                                       in (states.ORDERED, states.FETCHING)]))
    for one in members.values():
        if one.wave > taken.course.wave:
            assert one.state in (states.WAITING, states.LEFT) and one.tries == 0
        if one.state in (states.GOOD, states.CONFIRMED) and before[
                one.concentrator_id].state != one.state:
            assert one.told is not None and one.told.digest == TARGET.digest
    if taken.course.state == states.DONE:
        assert all(one.state in states.OVER for one in members.values())
    if taken.course.state == states.RUNNING:
        mine = [one for one in members.values() if one.wave == taken.course.wave
                and one.state != states.SKIPPED]
        failed = [one for one in mine if one.state in (
            states.FAILED, states.RETURNING, states.RETURNED) and one.fault != faults.SILENT]
        assert 100 * len(failed) <= PLAN.failed_most * max(1, len(mine))
    if course.state in (states.STOPPED, states.ABORTED):
        assert not [act for act in taken.acts if type(act) is Confirm and act.digest
                    == TARGET.digest] and not begun


def test_a_canary_has_every_kind_of_bus_in_every_branch_and_who_is_not_heard_comes_last():
    found = [Candidate(n, bytes([n % 256, n // 256]), "bus %d" % (n % 3), "branch %d" % (n % 4),
                       n % 10 != 9) for n in range(1000)]
    waves = waves_of(Plan(), b"seed", found)
    assert len(waves[0]) == 12 and sorted(sum(waves, [])) == list(range(1000))
    assert {(n % 3, n % 4) for n in waves[0]} == {(b, c) for b in range(3) for c in range(4)}
    assert [len(wave) for wave in waves[1:]] == [10, 89, 395, 494]
    assert not {n for wave in waves[:-1] for n in wave if n % 10 == 9}
    assert waves_of(Plan(), b"other", found)[1] != waves[1]
    assert waves_of(Plan(canary=False, shares=(100,)), b"", found[:1]) == [[0]]


def test_windows_open_by_the_wall_clock_of_their_zone():
    plan = replace(PLAN, window=(60, 240), zone="Europe/Berlin")
    midnight = 1_799_967_600.0                      # 2027-01-15 00:00 in Berlin.
    assert opens(plan, midnight) == (midnight + 3600, midnight + 4 * 3600)
    assert opens(plan, midnight + 2 * 3600) == (midnight + 2 * 3600, midnight + 4 * 3600)
    assert opens(plan, midnight + 3 * 3600)[0] == midnight + 86400 + 3600
    over = replace(PLAN, window=(1320, 120), zone="Europe/Berlin")
    assert opens(over, midnight - 600) == (midnight - 600, midnight + 2 * 3600)
    assert opens(PLAN, T) == (T, T + PLAN.within_s)


@pytest.mark.parametrize(("said", "words"), [
    ({"shares": [50, 10, 100]}, "shares"), ({"shares": [10]}, "shares"), ({"x": 1}, "no x"),
    ({"failed_most": 101}, "failed_most"), ({"at_once": True}, "at_once"),
    ({"window": [1, 1]}, "window"), ({"zone": "Nowhere"}, "zone")])
def test_a_plan_that_is_none_is_refused_by_the_name_of_the_field(
        said: dict[str, object], words: str):
    with pytest.raises(PlanRefused, match=words):
        plan_of(said)
    assert plan_of(plan_of({}).to_json()) == Plan()
