"""Claims: which new concentrators are waited for, and which have come?"""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.enrolment.claims import store
from wum_cloud.enrolment.claims.claiming import ClaimRefused, Wanted, claim, withdraw
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
        name: _Name = "", site: _Site = "") -> Response:
    """Let a concentrator in, when it comes; a refusal keeps what was typed."""
    vault, own = needed_vault(request), session.account
    try:
        async with database.connection() as connection:
            await claim(connection, vault, own.reach, actor_of(request, own),
                        Wanted(code, name, site or None))
    except ClaimRefused as error:
        return await _claims(request, database, session, mistake=str(error), code=code, name=name)
    return RedirectResponse("/claims?done=claimed", 303)


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
        mistake: str = "", code: str = "", name: str = "") -> Response:
    own = session.account
    async with database.connection() as connection:
        found = await store.listed(connection, own.reach, None, _LISTED_MAX)
        places = await sites(connection, own.reach, "", _SITES_MAX)
        zone = await zone_of(connection, own.tenant_id)
    return page(
        request, "claims.html", session, 422 if mistake else 200, done=done, mistake=mistake,
        code=code, name=name, zone=zone, places=[place.name for place in places],
        claims=[(one, "" if one.identity_key is None else concentrator_id(
            one.identity_key).hex()) for one in found])
