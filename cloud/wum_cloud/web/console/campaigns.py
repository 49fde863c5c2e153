"""Campaigns: how far is each, may it go on, and what became of every concentrator in it?"""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.campaigns import running, states
from wum_cloud.campaigns.asked import store
from wum_cloud.campaigns.plan import PlanRefused
from wum_cloud.campaigns.releases import store as releases
from wum_cloud.campaigns.running import Wanted
from wum_cloud.paging import PAGE_DEFAULT, page_of
from wum_cloud.people.permissions import APPROVE, RUN_UPDATES
from wum_cloud.people.store import Session
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.campaigns import Act
from wum_cloud.web.api.releases import NUMBER_MAX, small_key
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page, wants_fragment
from wum_cloud.web.rights import CampaignForm, TenantsApproveForm, UpdatesVisitor

router = APIRouter()

LOG_MAX = 100
RELEASES_MAX = 20
_Number = Annotated[int, Form(ge=1, le=NUMBER_MAX)]
_Text = Annotated[str, Form(max_length=400, pattern=r"^[^\x00]*$")]
_Percent = Annotated[int, Form(ge=0, le=100)]
_Minutes = Annotated[int, Form(ge=0, le=10_080)]


@router.get("/campaigns")
async def show_campaigns(
        request: Request, database: Database, session: UpdatesVisitor,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        release: Annotated[int, Query(ge=0, le=NUMBER_MAX)] = 0) -> Response:
    """The newest campaigns, and the form for another one."""
    return await _page(request, database, session, cursor=cursor, typed={"release": str(release)})


@router.get("/campaigns/{number}")
async def show_campaign(
        request: Request, database: Database, session: UpdatesVisitor, number: int,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        state: Annotated[str, Query(max_length=20, pattern=r"^[^\x00]*$")] = "") -> Response:
    """One campaign: its waves, its concentrators, its log."""
    return await _one(request, database, session, number, cursor=cursor, state=state)


@router.post("/campaigns")
async def ask_for_campaign(
        request: Request, database: Database, session: CampaignForm, release: _Number,
        name: _Text = "", reason: _Text = "", site: _Text = "", window: _Text = "",
        spread: _Minutes = 30, soak: _Minutes = 60, failed_most: _Percent = 2,
        silent_most: _Percent = 10, worse_points: _Percent = 5) -> Response:
    """Ask for one; a second person has to agree."""
    own = session.account
    typed = {"release": str(release), "name": name, "reason": reason, "site": site,
             "window": window, "spread": str(spread), "soak": str(soak),
             "failed_most": str(failed_most), "silent_most": str(silent_most),
             "worse_points": str(worse_points)}
    try:
        async with database.connection() as connection:
            zone = await zone_of(connection, own.tenant_id)
            number = await running.request(
                connection, own.tenant_id, actor_of(request, own), own.name,
                Wanted(release, name, reason, site.strip() or None, {
                    "spread_s": 60 * spread, "soak_s": 60 * soak, "failed_most": failed_most,
                    "silent_most": silent_most, "worse_points": worse_points, "zone": zone,
                    "window": _window(window)}))
    except PlanRefused as error:
        return await _page(request, database, session, mistake=str(error), typed=typed)
    return RedirectResponse("/campaigns/%d" % number, 303)


@router.post("/campaigns/approve")
async def approve(
        request: Request, database: Database, session: TenantsApproveForm,
        number: _Number) -> Response:
    """Agree, as a second person: it begins."""
    own = session.account
    try:
        async with database.connection() as connection:
            is_there = await running.approve(
                connection, own.tenant_id, actor_of(request, own), own.name, number)
    except PlanRefused as error:
        return await _one(request, database, session, number, mistake=str(error))
    if not is_there:
        raise HTTPException(404, "There is no such campaign.")
    return RedirectResponse("/campaigns/%d" % number, 303)


@router.post("/campaigns/change")
async def change(
        request: Request, database: Database, session: CampaignForm, number: _Number,
        act: Annotated[Act, Form()]) -> Response:
    """Pause, resume, abort, withdraw."""
    own = session.account
    try:
        async with database.connection() as connection:
            is_there = await running.change(
                connection, own.tenant_id, actor_of(request, own), own.name, number, act)
    except PlanRefused as error:
        return await _one(request, database, session, number, mistake=str(error))
    if not is_there:
        raise HTTPException(404, "There is no such campaign.")
    return RedirectResponse("/campaigns/%d" % number, 303)


def _window(text: str) -> list[int] | None:
    """`01:00-04:30` as minutes; None for nothing. Raises PlanRefused."""
    if not text.strip():
        return None
    minutes = []
    for moment in text.replace("–", "-").split("-"):
        hour, _, minute = moment.strip().partition(":")
        if not (hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()
                and int(hour) < 24 and int(minute) < 60):
            raise PlanRefused("The window is written 01:00-04:30, or left empty; got %s." % text)
        minutes.append(60 * int(hour) + int(minute))
    return minutes


async def _page(
        request: Request, database: Database, session: Session, *, cursor: str | None = None,
        mistake: str = "", typed: dict[str, str] | None = None) -> Response:
    own = session.account
    before = small_key(cursor)
    async with database.connection() as connection:
        found = await store.listed(connection, own.tenant_id, before, PAGE_DEFAULT + 1)
        known = await releases.listed(connection, own.tenant_id, None, RELEASES_MAX)
        zone = await zone_of(connection, own.tenant_id)
    return page(request, "campaigns.html", session, 422 if mistake else 200, zone=zone,
                mistake=mistake, typed=typed or {}, releases=known,
                may_run=RUN_UPDATES in own.permissions,
                found=page_of(found, PAGE_DEFAULT, lambda one: [one.campaign_id]))


async def _one(
        request: Request, database: Database, session: Session, number: int, *,
        cursor: str | None = None, state: str = "", mistake: str = "") -> Response:
    own = session.account
    after = small_key(cursor)
    async with database.connection() as connection:
        found = (await store.one(connection, own.tenant_id, number)
                 if 0 < number <= NUMBER_MAX else None)
        if found is None:
            raise HTTPException(404, "There is no such campaign.")
        waves = await store.waves(connection, number)
        members = await store.members(
            connection, number, after, PAGE_DEFAULT + 1, state or None)
        log = await store.log(connection, number, None, LOG_MAX)
        zone = await zone_of(connection, own.tenant_id)
    template = "campaign_live.html" if wants_fragment(request) else "campaign.html"
    return page(
        request, template, session, 422 if mistake else 200, c=found, zone=zone, log=log,
        mistake=mistake, state=state, waves=[Bar(one) for one in waves], cursor=cursor or "",
        may_run=RUN_UPDATES in own.permissions,
        may_approve=APPROVE in own.permissions and found.requested_by != own.name,
        found=page_of(members, PAGE_DEFAULT, lambda one: [one.concentrator_id]))


class Bar:
    """A wave as a bar: what is good, under way and failed, as shares of all."""

    def __init__(self, counts: dict[str, int]) -> None:
        self.counts = counts
        self.all = sum(counts.values())
        self.good = self._of(states.GOOD, states.SKIPPED)
        self.bad = self._of(states.FAILED, states.RETURNING, states.RETURNED)
        self.under_way = self._of(*states.ACTIVE, states.CONFIRMED)

    def _of(self, *which: str) -> int:
        return sum([self.counts.get(one, 0) for one in which])

    @property
    def shown(self) -> list[tuple[str, int]]:
        """(state, how many), in the order of a life."""
        return [(state, self.counts[state]) for state in states.MEMBER_STATES
                if self.counts.get(state)]
