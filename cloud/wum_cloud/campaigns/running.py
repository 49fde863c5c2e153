"""Asking for a campaign, agreeing to it, pausing, going on, aborting: what people do.

In one transaction each. Left out: SQL (asked/store.py), the steps (cohort.py), who may
(web/rights.py).
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor, Named
from wum_cloud.audit.store import note
from wum_cloud.campaigns import states
from wum_cloud.campaigns.asked import store
from wum_cloud.campaigns.members import waves_of
from wum_cloud.campaigns.plan import PlanRefused, plan_of
from wum_cloud.campaigns.states import Entry
from wum_cloud.campaigns.store import write_log
from wum_cloud.database import Connection

MEMBERS_MAX = 20_000
NAME_MAX = 80
REASON_LEAST, REASON_MAX = 5, 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for. `site`: the branch of sites whose concentrators are meant, None: all.
    `plan`: what is not as by default.
    """

    release_id: int
    name: str
    reason: str
    site: str | None = None
    plan: dict[str, Any] = field(default_factory=dict)


async def request(
        connection: Connection, tenant: int, actor: Actor, person: str, wanted: Wanted) -> int:
    """Keep a campaign and its snapshot; its number. Raises PlanRefused."""
    name, reason = " ".join(wanted.name.split()), " ".join(wanted.reason.split())
    if not (1 <= len(name) <= NAME_MAX and name.isprintable()):
        raise PlanRefused("Give it a name of 1..%d characters." % NAME_MAX)
    if not (REASON_LEAST <= len(reason) <= REASON_MAX and reason.isprintable()):
        raise PlanRefused("Say why, in %d..%d characters: it is kept." % (REASON_LEAST, REASON_MAX))
    plan = plan_of(wanted.plan)
    if not await store.can_order(connection):
        raise PlanRefused("No trust document names a key for orders yet: run `wum-cloud trust "
                          "ROOT.KEY` once.")
    target = await store.target(connection, tenant, wanted.release_id)
    if target is None:
        raise PlanRefused("There is no such release.")
    if plan.floor > target.sequence:
        raise PlanRefused("floor: %d is above the release itself, %d." % (
            plan.floor, target.sequence))
    site = None
    if wanted.site:
        site = await store.site_named(connection, tenant, wanted.site)
        if site is None:
            raise PlanRefused("There is no site %s." % wanted.site)
    candidates = await store.candidates(
        connection, tenant, wanted.release_id, site, MEMBERS_MAX + 1)
    if not 1 <= len(candidates) <= MEMBERS_MAX:
        raise PlanRefused("A campaign is for 1..%d concentrators that have told what they run; "
                          "there are %d." % (MEMBERS_MAX, len(candidates)))
    busy = await store.busy(connection, [one.concentrator_id for one in candidates])
    if busy is not None:
        raise PlanRefused("%d of them are in campaign %d, which is under way." % busy)
    waves = waves_of(plan, secrets.token_bytes(8), candidates)
    number = await store.add(connection, tenant, store.New(
        wanted.release_id, name, reason, plan.to_json(), person, waves))
    await _noted(connection, actor, acts.CAMPAIGN_REQUESTED, number, "asked for by " + person,
                 name=name, release=str(target.sequence), reason=reason,
                 concentrators=str(len(candidates)), waves=", ".join([str(len(w)) for w in waves]))
    return number


async def approve(
        connection: Connection, tenant: int, actor: Actor, person: str, number: int) -> bool:
    """A second person agrees, and it begins; False where there is none such. Raises PlanRefused."""
    found = await store.locked_state(connection, tenant, number)
    if found is None:
        return False
    state, requested_by = found
    if state != states.REQUESTED:
        raise PlanRefused("Campaign %d does not wait for approval: it is %s." % (number, state))
    if requested_by == person:
        raise PlanRefused("You asked for it yourself: a second person has to agree.")
    await store.approve(connection, number, person)
    await _noted(connection, actor, acts.CAMPAIGN_APPROVED, number, "approved by " + person,
                 requested_by=Named(requested_by))
    return True


async def change(
        connection: Connection, tenant: int, actor: Actor, person: str, number: int, act: str,
) -> bool:
    """Pause, resume, abort or withdraw it; False where there is none such. Raises PlanRefused."""
    found = await store.locked_state(connection, tenant, number)
    if found is None:
        return False
    state, _ = found
    if act not in _CHANGES:
        raise PlanRefused("A campaign can be: %s." % ", ".join(_CHANGES))
    before, after, word = _CHANGES[act]
    if state not in before:
        raise PlanRefused("Campaign %d is %s: only what is %s can be %s." % (
            number, state, " or ".join(before), word))
    await store.change(connection, number, after, datetime.now(UTC))
    await _noted(connection, actor, _ACTS[act], number, "%s by %s" % (word, person))
    return True


_CHANGES = {
    "pause": ((states.RUNNING,), states.PAUSED, "paused"),
    "resume": ((states.PAUSED,), states.RUNNING, "resumed"),
    "abort": ((states.RUNNING, states.PAUSED), states.ABORTED, "aborted"),
    "withdraw": ((states.REQUESTED,), states.WITHDRAWN, "withdrawn"),
}
_ACTS = {"pause": acts.CAMPAIGN_PAUSED, "resume": acts.CAMPAIGN_RESUMED,
         "abort": acts.CAMPAIGN_ABORTED, "withdraw": acts.CAMPAIGN_WITHDRAWN}


async def _noted(connection: Connection, actor: Actor, act: str, number: int, words: str,
                 **detail: str) -> None:
    await note(connection, actor, act, "campaign %d" % number, **detail)
    await write_log(connection, number, datetime.now(UTC), [
        Entry(None, act.removeprefix("campaign "), words)])
