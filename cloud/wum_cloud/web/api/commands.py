"""Commands: asking for them, agreeing to them, and what became of each."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import AwareDatetime, Field

from wum_cloud.commands import requesting, store
from wum_cloud.commands.consents import giving
from wum_cloud.commands.kinds import (
    ASKING,
    KINDS,
    MAINTENANCE,
    SESSIONS,
    SWITCHING,
    WORDS,
    CommandRefused,
)
from wum_cloud.commands.requesting import REASON_LEAST, REASON_MAX, TARGETS_MAX, WITHIN_S
from wum_cloud.commands.sessions import store as sessions
from wum_cloud.commands.states import STATES
from wum_cloud.commands.store import Command
from wum_cloud.paging import page_of
from wum_cloud.people.accounts import Account
from wum_cloud.people.permissions import APPROVE
from wum_cloud.web.access import Database, actor_of
from wum_cloud.web.api.forms import (
    DEFAULT_LIMIT,
    Cursor,
    Form,
    Limit,
    Moment,
    PageOf,
    number_key,
)
from wum_cloud.web.api.problems import not_found, refused
from wum_cloud.web.rights import (
    ApproveCaller,
    AskCaller,
    CommandsCaller,
    LendCaller,
    MaintainCaller,
    SwitchCaller,
)
from wum_shared.orders import CONSENT_BYTES_MAX, WINDOW_MAX_S

router = APIRouter(tags=["commands"])

_NUMBER_MAX = 2**53 - 1
_Number = Annotated[int, Path(ge=1, le=_NUMBER_MAX)]
_Target = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]


class CommandForm(Form):
    """One command. `state` says what is known, and *unknown* where nothing is."""

    id: int
    request: int
    kind: str
    concentrator: str
    meter: str | None
    group: str | None
    arguments: str
    reason: str
    state: str = Field(json_schema_extra={"enum": list(STATES)})
    told: str = Field(description="What the concentrator said last.")
    requested_by: str
    requested_at: AwareDatetime
    approved_by: str | None
    consents: int = Field(description="Signatures of approvers that it wants.")
    consented: int = Field(description="Those that it has.")
    begins_at: AwareDatetime
    expires_at: AwareDatetime
    sent: int
    ended_at: AwareDatetime | None


class NewRequestForm(Form):
    """What is asked for, of whom, and why. More than ten that take power need a second person."""

    kind: Annotated[str, Field(max_length=20, description="One of " + ", ".join(KINDS))]
    targets: Annotated[list[_Target], Field(
        default_factory=list, max_length=TARGETS_MAX,
        description="Serials of meters; ids of concentrators for fetch-log and restart.")]
    group: Annotated[str, Field(
        max_length=64, pattern=r"^[^\x00]*$",
        description="Instead of targets: a group of meters, by its name.")] = ""
    reason: Annotated[str, Field(min_length=REASON_LEAST, max_length=REASON_MAX,
                                 pattern=r"^[^\x00-\x1f\x7f]+$")]
    arguments: dict[str, int | bool] = Field(default_factory=dict, max_length=8)
    begins_at: Moment | None = None
    within_s: Annotated[int, Field(ge=10, le=WINDOW_MAX_S)] = WITHIN_S


class RequestedForm(Form):
    """A request that is kept. `needs_approval`: nothing is sent before a second person agrees."""

    request: int
    commands: list[int]
    needs_approval: bool


class PieceForm(Form):
    """Bytes of a session, in hexadecimal."""

    direction: str = Field(json_schema_extra={"enum": ["up", "down"]})
    number: int
    at: AwareDatetime
    hex: str


class CountForm(Form):
    """How many commands of a request were changed."""

    commands: int


class ToSignForm(Form):
    """A command that wants `wanted` approvers' signatures: `to_sign` in hexadecimal."""

    command: int
    kind: str
    concentrator: str
    meter: str | None
    group: str | None
    arguments: str
    reason: str
    requested_by: str
    to_sign: str
    wanted: int
    given: int


class ConsentForm(Form):
    """What `wum-firmware consent` signed of one command, in hexadecimal."""

    command: Annotated[int, Field(ge=1, le=_NUMBER_MAX)]
    signed: Annotated[str, Field(min_length=2, max_length=2 * CONSENT_BYTES_MAX,
                                 pattern=r"^([0-9a-f]{2})+$")]


class ConsentsForm(Form):
    """Signatures of one approver, a command each."""

    consents: Annotated[list[ConsentForm], Field(min_length=1, max_length=TARGETS_MAX)]


class ConsentedForm(Form):
    """How many signatures were kept, and how many commands are approved by it."""

    kept: int
    approved: int


class ProofForm(Form):
    """What was signed, in hexadecimal: COSE_Sign1 of the order key and of the identity."""

    identity_key: str
    orders: list[str]
    receipts: list[str]


@router.get("/commands")
async def list_commands(
        account: CommandsCaller, database: Database, cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT) -> PageOf[CommandForm]:
    """Commands, the newest first."""
    before = number_key(cursor)
    if before is not None and not 0 < before <= _NUMBER_MAX:
        raise refused(422, "cursor: %r is none of this list's" % cursor)
    async with database.connection() as connection:
        found = await store.listed(connection, account.reach, before, limit + 1)
    page = page_of(found, limit, lambda one: [one.command_id])
    return PageOf(next_cursor=page.next_cursor, items=[_form(one) for one in page.items])


@router.get("/commands/{id}")
async def get_command(id: _Number, account: CommandsCaller, database: Database) -> CommandForm:
    """One command."""
    async with database.connection() as connection:
        found = await store.one(connection, account.reach, id)
    if found is None:
        raise not_found("command", str(id))
    return _form(found)


@router.get("/commands/{id}/proof")
async def get_proof(id: _Number, account: CommandsCaller, database: Database) -> ProofForm:
    """The signed orders and receipts of a command, to be verified by anybody."""
    async with database.connection() as connection:
        if await store.one(connection, account.reach, id) is None:
            raise not_found("command", str(id))
        identity_key, signed, receipts = await store.proof(connection, id)
    return ProofForm(identity_key=identity_key.hex(), orders=[one.hex() for one in signed],
                     receipts=[one.hex() for one, _ in receipts])


@router.post("/commands/asking", status_code=201)
async def ask_meters(
        request: Request, account: AskCaller, database: Database, wanted: NewRequestForm,
) -> RequestedForm:
    """Read meters now, or set their clocks."""
    return await _request(request, account, database, wanted, ASKING)


@router.post("/commands/switching", status_code=201)
async def switch_consumers(
        request: Request, account: SwitchCaller, database: Database, wanted: NewRequestForm,
) -> RequestedForm:
    """Disconnect, reconnect, limit, or cut a secondary load."""
    return await _request(request, account, database, wanted, SWITCHING)


@router.post("/commands/maintenance", status_code=201)
async def maintain_concentrators(
        request: Request, account: MaintainCaller, database: Database, wanted: NewRequestForm,
) -> RequestedForm:
    """Fetch a concentrator's log, or restart it."""
    return await _request(request, account, database, wanted, MAINTENANCE)


@router.post("/commands/sessions", status_code=201)
async def open_session(
        request: Request, account: LendCaller, database: Database, wanted: NewRequestForm,
) -> RequestedForm:
    """A transparent session with one meter, once a second person agrees: `wum-cloud session`."""
    return await _request(request, account, database, wanted, SESSIONS)


@router.get("/commands/{id}/session")
async def get_session(
        id: _Number, account: CommandsCaller, database: Database) -> list[PieceForm]:
    """What went to the meter (down) and came from it (up) in a session, as it was recorded."""
    async with database.connection() as connection:
        if await store.one(connection, account.reach, id) is None:
            raise not_found("command", str(id))
        found = await sessions.recorded(connection, id)
    return [PieceForm(direction=one.direction, number=one.number, at=one.at, hex=one.data.hex())
            for one in found]


@router.post("/command-requests/{id}/approval")
async def approve_request(
        request: Request, id: _Number, account: ApproveCaller, database: Database) -> CountForm:
    """Agree, as a second person, to what somebody else asked for."""
    async with database.connection() as connection:
        changed = await requesting.approve(
            connection, account.reach, actor_of(request, account), account.name, id)
    if not changed:
        raise not_found("request", str(id))
    return CountForm(commands=changed)


@router.get("/command-requests/{id}/consent")
async def get_what_to_sign(
        id: _Number, account: ApproveCaller, database: Database) -> list[ToSignForm]:
    """What approvers have to sign of a request that goes above the caps of concentrators."""
    async with database.connection() as connection:
        found = await giving.to_sign(connection, account.reach, id)
    if found is None:
        raise not_found("request", str(id))
    return [form_to_sign(one) for one in found]


@router.post("/command-requests/{id}/consent")
async def hand_in_consents(
        request: Request, id: _Number, account: ApproveCaller, database: Database,
        given: ConsentsForm) -> ConsentedForm:
    """Hand in what approvers signed with keys of their own: with the last of them it is approved.
    """
    signatures = {one.command: bytes.fromhex(one.signed) for one in given.consents}
    async with database.connection() as connection:
        taken = await giving.give(connection, account.reach, actor_of(request, account),
                                  account.name, id, signatures)
    if taken is None:
        raise not_found("request", str(id))
    return ConsentedForm(kept=taken.kept, approved=taken.approved)


@router.post("/command-requests/{id}/withdrawal")
async def withdraw_request(
        request: Request, id: _Number, account: CommandsCaller, database: Database) -> CountForm:
    """Take back what of one's own request was not sent; who may approve takes back anybody's."""
    async with database.connection() as connection:
        changed = await requesting.withdraw(
            connection, account.reach, actor_of(request, account), account.name, id,
            is_own=APPROVE not in account.permissions)
    if not changed:
        raise not_found("request", str(id))
    return CountForm(commands=changed)


async def _request(request: Request, account: Account, database: Database,
                   wanted: NewRequestForm, group: str) -> RequestedForm:
    kind = KINDS.get(wanted.kind)
    if kind is None or kind.group != group:
        raise CommandRefused("This takes %s." % ", ".join(
            [one.word for one in KINDS.values() if one.group == group]))
    async with database.connection() as connection:
        made = await requesting.request(
            connection, account.reach, actor_of(request, account), account.name, requesting.Wanted(
                wanted.kind, wanted.targets, wanted.reason, wanted.arguments, wanted.begins_at,
                wanted.within_s, wanted.group))
    return RequestedForm(request=made.request_id, commands=made.command_ids,
                         needs_approval=made.needs_approval)


def form_to_sign(one: giving.ToSign) -> ToSignForm:
    """A command as `wum-firmware consent` reads it."""
    return ToSignForm(
        command=one.command.command_id, kind=WORDS.get(one.command.kind, str(one.command.kind)),
        concentrator=one.command.device_id.hex(), meter=one.command.serial,
        group=one.command.group_name, arguments=one.command.shown, reason=one.command.reason,
        requested_by=one.command.requested_by, to_sign=one.to_sign.hex(), wanted=one.wanted,
        given=one.given)


def _form(one: Command) -> CommandForm:
    return CommandForm(
        id=one.command_id, request=one.request_id, kind=WORDS.get(one.kind, str(one.kind)),
        concentrator=one.device_id.hex(), meter=one.serial, group=one.group_name,
        arguments=one.shown, reason=one.reason, state=one.state, told=one.told,
        requested_by=one.requested_by, requested_at=one.requested_at, approved_by=one.approved_by,
        consents=one.consents, consented=one.consented,
        begins_at=one.begins_at, expires_at=one.expires_at, sent=one.sent, ended_at=one.ended_at)
