"""Who is next, and when to stop: one step of a campaign, of what is known at a moment.

Pure: no SQL, no clock. A step taken again changes nothing but what time has changed.
"""

from collections import Counter

from wum_cloud.campaigns import faults, states
from wum_cloud.campaigns.moving import Mover, compared, is_worse
from wum_cloud.campaigns.plan import Plan, opens
from wum_cloud.campaigns.states import NOTHING, Course, Entry, Member, Step, Target

_BAD = (states.FAILED, states.RETURNING, states.RETURNED)


def step(plan: Plan, target: Target, course: Course, members: list[Member], now_s: float) -> Step:
    """What changes, is ordered and said now. `members`: all of the campaign."""
    mover = Mover(plan, target, course.state, now_s)
    before = {one.concentrator_id: one for one in members}
    found = {number: mover.moved(one) for number, one in before.items()}
    log: list[Entry] = []
    if course.state == states.RUNNING:
        course = _judged(plan, course, found, mover, log)
    if course.state == states.RUNNING:
        _begin(plan, course, found, mover, now_s)
    changed = [one for number, one in found.items() if one != before[number]]
    return Step(course, changed, mover.acts, mover.log + log)


def _judged(plan: Plan, course: Course, found: dict[int, Member], mover: Mover,
            log: list[Entry]) -> Course:
    """The course after this wave: it goes on, to the next one, or stops."""
    mine = [one for one in found.values() if one.wave == course.wave]
    why = _too_many(plan, course.wave, mine) or _too_many(plan, None, [
        one for one in found.values() if one.wave <= course.wave])
    is_over = all(one.state in states.OVER for one in mine)
    if not why and is_over:
        why = _wave_worse(plan, mine)
        if why:
            for one in mine:
                if one.state == states.GOOD:
                    found[one.concentrator_id] = mover.back(
                        one, faults.WORSE_WAVE, "its wave reads worse")
        else:
            why = _too_few(plan, course.wave, mine)
    if why:
        log.append(Entry(None, states.STOPPED, why))
        return Course(states.STOPPED, course.wave, why)
    last = max((one.wave for one in found.values()), default=0)
    if not is_over or course.wave == last and not all(
            one.state in states.OVER for one in found.values()):
        return course
    if course.wave == last:
        log.append(Entry(None, states.DONE, _summed(list(found.values()))))
        return Course(states.DONE, course.wave)
    log.append(Entry(None, "wave", "wave %d is through (%s); wave %d begins" % (
        course.wave + 1, _summed(mine), course.wave + 2)))
    return Course(states.RUNNING, course.wave + 1)


def _begin(plan: Plan, course: Course, found: dict[int, Member], mover: Mover,
           now_s: float) -> None:
    """Order those whose turn it is, so many at once."""
    room = plan.at_once - len([one for one in found.values() if one.state in (
        states.ORDERED, states.FETCHING)])
    due = [one for one in found.values() if one.state == states.WAITING
           and one.wave <= course.wave and one.due_s <= now_s]
    if not due or room <= 0:
        return
    opens_s, ends_s = opens(plan, now_s)
    spread_s = min(plan.spread_s, (ends_s - opens_s) / 2)
    sizes = Counter(one.wave for one in found.values())
    for one in sorted(due, key=lambda one: (one.wave, one.place))[:room]:
        found[one.concentrator_id] = mover.begun(
            one, opens_s + int(spread_s * one.place / sizes[one.wave]), ends_s)


def _too_many(plan: Plan, wave: int | None, mine: list[Member]) -> str:
    """Why so many failures are too many; empty where they are not."""
    of = len(_counted(mine))
    silent = len([one for one in mine if _is_silent(one)])
    failed = [one for one in mine if one.state in _BAD and not _is_silent(one)]
    where = "in wave %d" % (wave + 1) if wave is not None else "so far"
    if 100 * len(failed) > plan.failed_most * of:
        reasons = Counter(one.fault for one in failed).most_common()
        return "%d of %d %s failed, at most %d %% may: %s" % (
            len(failed), of, where, plan.failed_most,
            ", ".join(["%s %d" % reason for reason in reasons]))
    if 100 * silent > plan.silent_most * of:
        return "%d of %d %s are silent, at most %d %% may be" % (
            silent, of, where, plan.silent_most)
    return ""


def _too_few(plan: Plan, wave: int, mine: list[Member]) -> str:
    good, of = len([one for one in mine if one.state == states.GOOD]), len(_counted(mine))
    return "" if 100 * good >= plan.good_least * of else (
        "%d of %d in wave %d are good, %d %% have to be" % (good, of, wave + 1, plan.good_least))


def _wave_worse(plan: Plan, mine: list[Member]) -> str:
    before = after = NOTHING
    for one in mine:
        if one.state == states.GOOD and one.before is not None and one.after is not None:
            before, after = before.plus(one.before), after.plus(one.after)
    return "the wave reads worse: " + compared(before, after) if is_worse(
        before, after, plan.worse_points) else ""


def _counted(mine: list[Member]) -> list[Member]:
    return [one for one in mine if one.state != states.SKIPPED]


def _is_silent(one: Member) -> bool:
    return one.state == states.FAILED and one.fault == faults.SILENT


def _summed(mine: list[Member]) -> str:
    counts = Counter(one.state for one in mine)
    return ", ".join(["%d %s" % (counts[state], state) for state in states.MEMBER_STATES
                      if counts[state]])
