"""Campaigns: asking for one, agreeing, pausing and aborting, and how far each concentrator is."""

from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, Field

from wum_cloud.campaigns import running
from wum_cloud.campaigns.asked import store
from wum_cloud.campaigns.asked.store import Campaign
from wum_cloud.campaigns.running import NAME_MAX, REASON_LEAST, REASON_MAX, Wanted
from wum_cloud.campaigns.states import CAMPAIGN_STATES, MEMBER_STATES
from wum_cloud.paging import page_of
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.forms import DEFAULT_LIMIT, Cursor, Form, Limit, PageOf, number_key
from wum_cloud.web.api.problems import not_found, refused
from wum_cloud.web.api.releases import NUMBER_MAX, Number, small_key
from wum_cloud.web.rights import CampaignCaller, TenantsApproveCaller, UpdatesCaller

router = APIRouter(tags=["updates"])

_LOG_MAX = 2**63 - 1
MemberState = Literal[
    "waiting", "ordered", "fetching", "staged", "trial", "confirmed", "good", "already there",
    "failed", "going back", "back", "left out"]
assert get_args(MemberState) == MEMBER_STATES
Act = Literal["pause", "resume", "abort", "withdraw"]
_Seconds = Annotated[int, Field(ge=0, le=7 * 86400)]
_Percent = Annotated[int, Field(ge=0, le=100)]
_Minute = Annotated[int, Field(ge=0, lt=1440)]


class PlanForm(Form):
    """What is not said is as docs/campaigns.md has it."""

    shares: Annotated[list[Annotated[int, Field(ge=1, le=100)]], Field(
        min_length=1, max_length=10, description="Rising percentages up to 100.")] | None = None
    canary: bool | None = None
    window: Annotated[list[_Minute], Field(
        min_length=2, max_length=2, description="From and to, minutes of the day.")] | None = None
    zone: Annotated[str, Field(max_length=64)] | None = None
    spread_s: Annotated[int, Field(ge=0, le=86400)] | None = None
    within_s: Annotated[int, Field(ge=60, le=7 * 86400)] | None = None
    patience_s: Annotated[int, Field(ge=60, le=7 * 86400)] | None = None
    soak_s: _Seconds | None = None
    settle_s: Annotated[int, Field(ge=0, le=86400)] | None = None
    at_once: Annotated[int, Field(ge=1, le=1000)] | None = None
    failed_most: _Percent | None = None
    silent_most: _Percent | None = None
    good_least: _Percent | None = None
    worse_points: _Percent | None = None
    floor: Annotated[int, Field(ge=0, lt=2**32)] | None = None


class NewCampaignForm(Form):
    """What is asked for. Nothing is ordered before a second person agrees."""

    release: Annotated[int, Field(ge=1, le=NUMBER_MAX)]
    name: Annotated[str, Field(min_length=1, max_length=NAME_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")]
    reason: Annotated[str, Field(min_length=REASON_LEAST, max_length=REASON_MAX,
                                 pattern=r"^[^\x00-\x1f\x7f]+$")]
    site: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")] | None = None
    plan: PlanForm = Field(default_factory=PlanForm)


class MadeForm(Form):
    """The number of a campaign that waits for a second person."""

    id: int


class CampaignForm(Form):
    """A campaign, and how many of its concentrators are in which state."""

    id: int
    name: str
    reason: str
    release: int
    sequence: int
    version: str
    target: str
    state: str = Field(json_schema_extra={"enum": list(CAMPAIGN_STATES)})
    why: str = Field(description="What stopped it.")
    wave: int = Field(description="The wave that is under way, from 1.")
    counts: dict[str, int] = Field(description="Concentrators by state.")
    requested_by: str
    requested_at: AwareDatetime
    approved_by: str | None
    approved_at: AwareDatetime | None
    ended_at: AwareDatetime | None


class MemberForm(Form):
    """A concentrator in a campaign: its state with the reason, in its own words."""

    concentrator: str
    name: str
    wave: int
    state: str = Field(json_schema_extra={"enum": list(MEMBER_STATES)})
    fault: str
    words: str
    tries: int
    runs: int | None = Field(description="Sequence of the release that it says it runs.")


class LineForm(Form):
    """A line of a campaign's log."""

    at: AwareDatetime
    concentrator: str | None
    what: str
    words: str


class StateForm(Form):
    """The state of a campaign after what was done."""

    state: str


@router.get("/campaigns")
async def list_campaigns(
        account: UpdatesCaller, database: Database, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT) -> PageOf[CampaignForm]:
    """Campaigns, the newest first."""
    async with database.connection() as connection:
        found = await store.listed(
            connection, account.tenant_id, small_key(cursor), limit + 1)
    page = page_of(found, limit, lambda one: [one.campaign_id])
    return PageOf(next_cursor=page.next_cursor, items=[_form(one) for one in page.items])


@router.post("/campaigns", status_code=201)
async def ask_for_campaign(
        request: Request, account: CampaignCaller, database: Database, wanted: NewCampaignForm,
) -> MadeForm:
    """Ask for a campaign over the concentrators there are now."""
    async with database.connection() as connection:
        number = await running.request(
            connection, account.tenant_id, actor_of(request, account), account.name, Wanted(
                wanted.release, wanted.name, wanted.reason, wanted.site, _said(wanted.plan)))
    return MadeForm(id=number)


@router.get("/campaigns/{id}")
async def get_campaign(id: Number, account: UpdatesCaller, database: Database) -> CampaignForm:
    """One campaign."""
    async with database.connection() as connection:
        found = await store.one(connection, account.tenant_id, id)
    if found is None:
        raise not_found("campaign", str(id))
    return _form(found)


@router.get("/campaigns/{id}/members")
async def list_members(
        id: Number, account: UpdatesCaller, database: Database, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
        state: Annotated[MemberState | None, Query()] = None,
) -> PageOf[MemberForm]:
    """Its concentrators, each with its own words; those in one state, if one is named."""
    after = small_key(cursor)
    async with database.connection() as connection:
        if await store.one(connection, account.tenant_id, id) is None:
            raise not_found("campaign", str(id))
        found = await store.members(connection, id, after, limit + 1, state)
    page = page_of(found, limit, lambda one: [one.concentrator_id])
    return PageOf(next_cursor=page.next_cursor, items=[MemberForm(
        concentrator=one.device_id.hex(), name=one.name, wave=one.wave + 1, state=one.state,
        fault=one.fault, words=one.words, tries=one.tries, runs=one.runs)
        for one in page.items])


@router.get("/campaigns/{id}/log")
async def list_campaign_log(
        id: Number, account: UpdatesCaller, database: Database, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT) -> PageOf[LineForm]:
    """Its log, the newest first."""
    before = number_key(cursor)
    if before is not None and not 0 < before <= _LOG_MAX:
        raise refused(422, "cursor: %r is none of this list's" % cursor)
    async with database.connection() as connection:
        if await store.one(connection, account.tenant_id, id) is None:
            raise not_found("campaign", str(id))
        found = await store.log(connection, id, before, limit + 1)
    page = page_of(found, limit, lambda one: [one.number])
    return PageOf(next_cursor=page.next_cursor, items=[LineForm(
        at=one.at, concentrator=None if one.device_id is None else one.device_id.hex(),
        what=one.what, words=one.words) for one in page.items])


@router.post("/campaigns/{id}/approval")
async def approve_campaign(
        request: Request, id: Number, account: TenantsApproveCaller, database: Database,
) -> StateForm:
    """Agree, as a second person: it begins."""
    async with database.connection() as connection:
        if not await running.approve(connection, account.tenant_id, actor_of(request, account),
                                     account.name, id):
            raise not_found("campaign", str(id))
    return StateForm(state="running")


@router.post("/campaigns/{id}/acts/{act}")
async def change_campaign(
        request: Request, id: Number, act: Act, account: CampaignCaller, database: Database,
) -> StateForm:
    """Pause, resume or abort it, or withdraw what was not approved."""
    async with database.connection() as connection:
        if not await running.change(connection, account.tenant_id, actor_of(request, account),
                                    account.name, id, act):
            raise not_found("campaign", str(id))
        found = await store.one(connection, account.tenant_id, id)
    assert found is not None
    return StateForm(state=found.state)


def _said(plan: PlanForm) -> dict[str, Any]:
    return {name: value for name, value in plan.model_dump().items() if value is not None}


def _form(one: Campaign) -> CampaignForm:
    return CampaignForm(
        id=one.campaign_id, name=one.name, reason=one.reason, release=one.release_id,
        sequence=one.sequence, version=one.version, target=one.target, state=one.state,
        why=one.why, wave=one.wave + 1, counts=one.counts, requested_by=one.requested_by,
        requested_at=one.requested_at, approved_by=one.approved_by, approved_at=one.approved_at,
        ended_at=one.ended_at)
