"""What the head-end lacks of a concentrator, what it asked for, and what was answered."""


from fastapi import APIRouter
from pydantic import AwareDatetime

from wum_cloud.health.gaps import store as gaps
from wum_cloud.registry.listing import store
from wum_cloud.web.access import Database
from wum_cloud.web.api.concentrators import device_id
from wum_cloud.web.api.forms import Form
from wum_cloud.web.api.problems import not_found
from wum_cloud.web.rights import HealthCaller
from wum_shared.status import GAPS, OUTCOMES

router = APIRouter(tags=["registry"])

REASONS_MAX = 200


class GapRequestForm(Form):
    """The last request: ranges by record number and by meter and time, and its answer.

    `answered` counts its parts by what became of them; empty until `answered_at`. It is not
    repeated before `next_at`.
    """

    asked_at: AwareDatetime
    ranges_by_number: int
    ranges_by_time: int
    tries: int
    next_at: AwareDatetime
    answered_at: AwareDatetime | None
    answered: dict[str, int]


class GapReasonForm(Form):
    """Why a meter's readings from `first_at` to `last_at` are missing, or that they were sent."""

    meter: str
    first_at: AwareDatetime
    last_at: AwareDatetime
    reason: str
    outcome: str | None
    answered_at: AwareDatetime


class GapsForm(Form):
    """`missing_records`: numbers of its archives that are neither received nor told as lost."""

    missing_records: int
    request: GapRequestForm | None
    reasons: list[GapReasonForm]


@router.get("/concentrators/{id}/gaps")
async def show_gaps(
        id: str, account: HealthCaller, database: Database,
) -> GapsForm:
    """What is missing of one concentrator, asked for, and answered; the newest 200 reasons."""
    async with database.connection() as connection:
        found = await store.concentrator(connection, account.reach, device_id(id))
        if found is None:
            raise not_found("concentrator", id)
        number = found.concentrator_id
        return GapsForm(
            missing_records=await gaps.missing_numbers(connection, number),
            request=_request(await gaps.last_request(connection, number)),
            reasons=[_reason(one) for one in await gaps.reasons(
                connection, number, REASONS_MAX)])


def _request(one: gaps.Request | None) -> GapRequestForm | None:
    if one is None:
        return None
    return GapRequestForm(
        asked_at=one.asked_at, ranges_by_number=one.by_number, ranges_by_time=one.by_time,
        tries=one.tries, next_at=one.due_at, answered_at=one.answered_at, answered=one.told)


def _reason(one: gaps.Reason) -> GapReasonForm:
    return GapReasonForm(
        meter=one.serial, first_at=one.first_at, last_at=one.last_at,
        reason=GAPS.get(one.reason, "reason %d" % one.reason),
        outcome=OUTCOMES.get(one.outcome), answered_at=one.answered_at)
