"""Claims: codes of new concentrators; and sending a concentrator away."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import AwareDatetime, Field

from wum_cloud.enrolment.claims import store
from wum_cloud.enrolment.claims.claiming import HOURS_MAX, Wanted, claim, withdraw
from wum_cloud.enrolment.commands import revoke_concentrator
from wum_cloud.paging import page_of
from wum_cloud.web.access import Database, actor_of, needed_vault
from wum_cloud.web.api.concentrators import device_id
from wum_cloud.web.api.forms import DEFAULT_LIMIT, Cursor, Form, Limit, PageOf, number_key
from wum_cloud.web.api.problems import not_found, refused
from wum_cloud.web.rights import EnrolCaller, RevokeCaller
from wum_shared.ids import concentrator_id

router = APIRouter(tags=["enrolment"])

_NUMBER_MAX = 2**31 - 1


class ClaimForm(Form):
    """A claim. `concentrator` is null before anybody used its code."""

    id: int
    name: str
    site: str | None
    concentrator: str | None
    made_by: str
    made_at: AwareDatetime
    ends_at: AwareDatetime
    burned_at: AwareDatetime | None = Field(description="When the concentrator had its keys.")


class NewClaimForm(Form):
    """A concentrator's claim code, as its label says it, and what it is to be called."""

    code: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
    name: Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    site: Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00]*$")] = None
    hours: Annotated[int, Field(
        ge=1, le=HOURS_MAX, description="How long it may take to come.")] = 24
    planned: Annotated[str | None, Field(
        pattern=r"^[0-9a-f]{16}$", description=(
            "The id of a planned concentrator: name and site are the plan's, and what is planned "
            "at it is granted with its keys."))] = None


class ClaimedForm(Form):
    """The number of a new claim."""

    id: int


@router.get("/claims")
async def list_claims(
        account: EnrolCaller, database: Database, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT) -> PageOf[ClaimForm]:
    """Claims, the newest first."""
    before = number_key(cursor)
    if before is not None and not 0 < before <= _NUMBER_MAX:
        raise refused(422, "cursor: %r is none of this list's" % cursor)
    async with database.connection() as connection:
        found = await store.listed(connection, account.reach, before, limit + 1)
    page = page_of(found, limit, lambda one: [one.claim_id])
    return PageOf(next_cursor=page.next_cursor, items=[
        ClaimForm(
            id=c.claim_id, name=c.concentrator_name, site=c.site, made_by=c.made_by,
            concentrator=None if c.identity_key is None else concentrator_id(
                c.identity_key).hex(),
            made_at=c.made_at, ends_at=c.ends_at, burned_at=c.burned_at) for c in page.items])


@router.post("/claims", status_code=201)
async def claim_concentrator(
        request: Request, account: EnrolCaller, database: Database, wanted: NewClaimForm,
) -> ClaimedForm:
    """Let the concentrator with this code in, when it comes."""
    vault = needed_vault(request)
    async with database.connection() as connection:
        number = await claim(
            connection, vault, account.reach, actor_of(request, account),
            Wanted(wanted.code, wanted.name, wanted.site, wanted.hours,
                   None if wanted.planned is None else bytes.fromhex(wanted.planned)))
    return ClaimedForm(id=number)


@router.delete("/claims/{id}", status_code=204)
async def withdraw_claim(
        request: Request, id: Annotated[int, Path(ge=1, le=_NUMBER_MAX)], account: EnrolCaller,
        database: Database) -> None:
    """Take a claim back that is not burned: its code opens nothing any more."""
    async with database.connection() as connection:
        if not await withdraw(connection, account.reach, actor_of(request, account), id):
            raise not_found("open claim", str(id))


@router.post("/concentrators/{id}/revocation", status_code=204)
async def revoke(
        request: Request, id: str, account: RevokeCaller, database: Database) -> None:
    """Take nothing of a concentrator any more; in force within a minute."""
    async with database.connection() as connection:
        if not await revoke_concentrator(
                connection, account.reach, actor_of(request, account), device_id(id)):
            raise not_found("concentrator", id)
