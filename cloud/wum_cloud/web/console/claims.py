"""Claims: which new concentrators are waited for, and which have come?"""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.enrolment.claims import store
from wum_cloud.enrolment.claims.claiming import ClaimRefused, Wanted, claim, withdraw
from wum_cloud.enrolment.planned import planning
from wum_cloud.enrolment.planned import store as plans_of
from wum_cloud.enrolment.planned.planning import PlanningRefused
from wum_cloud.people.permissions import EDIT_METERS, READ_REGISTRY
from wum_cloud.people.store import Session
from wum_cloud.registry.listing.store import sites
from wum_cloud.web.access import Database, actor_of, needed_vault
from wum_cloud.web.console.desk import zone_of
from wum_cloud.web.pages import page
from wum_cloud.web.rights import EnrolForm, EnrolVisitor
from wum_shared.ids import concentrator_id

router = APIRouter()

_LISTED_MAX = 100       # The newest; the API lists all.
_SITES_MAX = 500
_Id = Annotated[str, Form(pattern=r"^([0-9a-f]{16})?$")]
_Code = Annotated[str, Form(max_length=64, pattern=r"^[^\x00]*$")]
_Name = Annotated[str, Form(max_length=64, pattern=r"^[^\x00]*$")]
_Site = Annotated[str, Form(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("/claims")
async def show_claims(
        request: Request, database: Database, session: EnrolVisitor, done: str = "") -> Response:
    """A form for a code, and the claims there are."""
    return await _claims(request, database, session, done=done)


@router.post("/claims")
async def add_claim(
        request: Request, database: Database, session: EnrolForm, code: _Code = "",
        name: _Name = "", site: _Site = "", planned: _Id = "") -> Response:
    """Let a concentrator in, when it comes; a refusal keeps what was typed."""
    vault, own = needed_vault(request), session.account
    try:
        async with database.connection() as connection:
            await claim(connection, vault, own.reach, actor_of(request, own),
                        Wanted(code, name, site or None,
                               planned=bytes.fromhex(planned) if planned else None))
    except ClaimRefused as error:
        return await _claims(request, database, session, mistake=str(error), code=code, name=name,
                             planned=planned)
    return RedirectResponse("/claims?done=claimed", 303)


@router.post("/claims/plan")
async def plan_concentrator(
        request: Request, database: Database, session: EnrolForm, name: _Name = "",
        site: _Site = "") -> Response:
    """Plan a concentrator that nobody has yet; its configuration is the next thing to say."""
    own = session.account
    try:
        async with database.connection() as connection:
            made = await planning.plan(
                connection, own.reach, actor_of(request, own), name, site or None)
    except PlanningRefused as error:
        return await _claims(request, database, session, mistake=str(error))
    return RedirectResponse("/claims?done=planned#%s" % made.hex(), 303)


@router.post("/claims/forget")
async def forget_plan(
        request: Request, database: Database, session: EnrolForm, planned: _Id = "0" * 16,
) -> Response:
    """Forget a plan that has no meters."""
    own = session.account
    try:
        async with database.connection() as connection:
            if not await planning.forget(
                    connection, own.reach, actor_of(request, own), bytes.fromhex(planned)):
                raise HTTPException(404, "There is no such plan.")
    except PlanningRefused as error:
        return await _claims(request, database, session, mistake=str(error))
    return RedirectResponse("/claims?done=forgotten", 303)


@router.post("/claims/withdraw")
async def withdraw_claim(
        request: Request, database: Database, session: EnrolForm,
        claim_id: Annotated[int, Form(ge=1, le=2**31 - 1)]) -> Response:
    """Take back a claim that nobody finished."""
    own = session.account
    async with database.connection() as connection:
        if not await withdraw(connection, own.reach, actor_of(request, own), claim_id):
            raise HTTPException(404, "There is no such open claim.")
    return RedirectResponse("/claims?done=withdrawn", 303)


async def _claims(
        request: Request, database: Database, session: Session, *, done: str = "",
        mistake: str = "", code: str = "", name: str = "", planned: str = "") -> Response:
    own = session.account
    async with database.connection() as connection:
        found = await store.listed(connection, own.reach, None, _LISTED_MAX)
        plans = await plans_of.listed(connection, own.reach, most=_LISTED_MAX)
        places = await sites(connection, own.reach, "", _SITES_MAX)
        zone = await zone_of(connection, own.tenant_id)
    return page(
        request, "claims.html", session, 422 if mistake else 200, done=done, mistake=mistake,
        code=code, name=name, zone=zone, places=[place.name for place in places],
        plans=plans, planned=planned, may_add=EDIT_METERS in own.permissions,
        may_read=READ_REGISTRY in own.permissions,
        claims=[(one, "" if one.identity_key is None else concentrator_id(
            one.identity_key).hex()) for one in found])
