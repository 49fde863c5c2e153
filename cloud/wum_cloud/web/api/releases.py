"""Releases: handing signed ones in, and which there are; who signs them, and how that changed."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import AwareDatetime, Field

from wum_cloud.campaigns.releases import store, taking
from wum_cloud.campaigns.releases.store import Release
from wum_cloud.campaigns.releases.trust import Trust, read_trust
from wum_cloud.campaigns.succession import store as documents
from wum_cloud.campaigns.succession import taking as succession
from wum_cloud.database import Connection
from wum_cloud.paging import page_of
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.forms import DEFAULT_LIMIT, Cursor, Form, Limit, PageOf, number_key
from wum_cloud.web.api.problems import not_found, refused
from wum_cloud.web.rights import HandInCaller, UpdatesCaller
from wum_cloud.web.uploads import body_of
from wum_shared.release_trust import ReleaseTrust, decode

router = APIRouter(tags=["updates"])

NUMBER_MAX = 2**31 - 1
Number = Annotated[int, Path(ge=1, le=NUMBER_MAX)]
_BODY = {"requestBody": {
    "required": True, "description": "CBOR of [envelope, content, bill of materials], as "
    "`wum-firmware release` sends it.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}

_DOCUMENT = {"requestBody": {
    "required": True, "description": "A document that root keys signed, as `wum-firmware keys "
    "hand-in` sends it.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


class ReleaseForm(Form):
    """A release whose signatures were checked before it was kept."""

    id: int
    sequence: int
    target: str
    version: str
    commit: str
    digest: str = Field(description="SHA-256 of its content, in hexadecimal.")
    size: int
    signers: list[str]
    taken_by: str
    taken_at: AwareDatetime
    running: int = Field(description="Concentrators that say that they run it.")


class TakenForm(Form):
    """`is_new` is false where the same release was there."""

    id: int
    is_new: bool


class TrustForm(Form):
    """Who signs releases for a target."""

    target: str
    number: int = Field(description="Of the document; the first came with the machines.")
    signers: list[str]
    threshold: int = Field(description="How many of them have to sign a release.")
    roots: list[str] = Field(description="Whose root keys sign the next document.")
    root_threshold: int
    taken_by: str | None = Field(description="Of a document that was handed in.")
    taken_at: AwareDatetime | None
    holders: int | None = Field(description="Concentrators that say they hold this one.")


class RotatedForm(Form):
    """`is_new` is false where the same document was there."""

    number: int
    is_new: bool


@router.post("/release-trust", openapi_extra=_DOCUMENT)
async def rotate_release_keys(
        request: Request, account: HandInCaller, database: Database) -> RotatedForm:
    """Take the next document of root keys in, or say why not; concentrators are told to follow."""
    first = read_trust(request.app.state.settings.release_trust)
    handed = await body_of(request)
    async with database.connection() as connection:
        held, is_new = await succession.take(
            connection, account.tenant_id, actor_of(request, account), first, handed)
    return RotatedForm(number=held.document.number, is_new=is_new)


@router.get("/release-trust")
async def list_release_trust(
        request: Request, account: UpdatesCaller, database: Database) -> list[TrustForm]:
    """Who signs releases, target by target, the newest document last."""
    path = request.app.state.settings.release_trust
    first = [] if path is None else read_trust(path)
    async with database.connection() as connection:
        return await trust_shown(connection, account.tenant_id, first)


async def trust_shown(connection: Connection, tenant: int, first: list[Trust]) -> list[TrustForm]:
    """What each chain begins with, and the documents since."""
    kept = await documents.kept(connection, tenant)
    found = []
    for one in first:
        if all((x.target, x.number) != (one.target, one.document.number) for x in kept):
            found.append(_trust_form(one.target, one.document, None))
        found += [_trust_form(x.target, decode(x.document).trust, x)
                  for x in kept if x.target == one.target]
    return found


def _trust_form(target: str, trust: ReleaseTrust, kept: documents.Kept | None) -> TrustForm:
    return TrustForm(
        target=target, number=trust.number, signers=[name for name, _ in trust.signers],
        threshold=trust.threshold, roots=[name for name, _ in trust.roots],
        root_threshold=trust.root_threshold,
        taken_by=None if kept is None else kept.taken_by,
        taken_at=None if kept is None else kept.taken_at,
        holders=None if kept is None else kept.holders)


@router.post("/releases", openapi_extra=_BODY)
async def hand_in_release(
        request: Request, account: HandInCaller, database: Database) -> TakenForm:
    """Take a signed release in, or say why not."""
    first = read_trust(request.app.state.settings.release_trust)
    handed = await body_of(request)
    async with database.connection() as connection:
        trusted = await succession.in_force(connection, account.tenant_id, first)
    opened = await taking.opened_beside(trusted, handed)
    async with database.connection() as connection:
        number, is_new = await taking.take(
            connection, account.tenant_id, actor_of(request, account), opened)
    return TakenForm(id=number, is_new=is_new)


@router.get("/releases")
async def list_releases(
        account: UpdatesCaller, database: Database, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT) -> PageOf[ReleaseForm]:
    """Releases, the newest first."""
    before = small_key(cursor)
    async with database.connection() as connection:
        found = await store.listed(connection, account.tenant_id, before, limit + 1)
    page = page_of(found, limit, lambda one: [one.release_id])
    return PageOf(next_cursor=page.next_cursor, items=[_form(one) for one in page.items])


@router.get("/releases/{id}")
async def get_release(id: Number, account: UpdatesCaller, database: Database) -> ReleaseForm:
    """One release."""
    async with database.connection() as connection:
        found = await store.one(connection, account.tenant_id, id)
    if found is None:
        raise not_found("release", str(id))
    return _form(found)


@router.get("/releases/{id}/bill", response_class=Response, responses={200: {
    "content": {"application/vnd.cyclonedx+json": {}}, "description": "CycloneDX."}})
async def get_bill(id: Number, account: UpdatesCaller, database: Database) -> Response:
    """Its bill of materials, as it was made with it."""
    async with database.connection() as connection:
        found = await store.bill(connection, account.tenant_id, id)
    if found is None:
        raise not_found("release", str(id))
    return Response(found, media_type="application/vnd.cyclonedx+json")


def small_key(cursor: str | None) -> int | None:
    """The number before which a page starts. Refuses what no page gave."""
    before = number_key(cursor)
    if before is not None and not 0 < before <= NUMBER_MAX:
        raise refused(422, "cursor: %r is none of this list's" % cursor)
    return before


def _form(one: Release) -> ReleaseForm:
    return ReleaseForm(
        id=one.release_id, sequence=one.sequence, target=one.target, version=one.version,
        commit=one.commit_id, digest=one.digest.hex(), size=one.size, signers=one.signers,
        taken_by=one.taken_by, taken_at=one.taken_at, running=one.running)
