"""Readings of one register over a span: as they were captured, by hour, or by local day."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field

from wum_cloud.paging import encode_cursor
from wum_cloud.people.accounts import Account
from wum_cloud.readings import buckets, series
from wum_cloud.web.access import Database, signed_in
from wum_cloud.web.api.forms import Cursor, Form, ReadingForm, number_key, reading_form
from wum_cloud.web.api.meters import meter_of
from wum_cloud.web.api.problems import not_found, refused
from wum_shared.errors import Malformed
from wum_shared.obis import obis_from_text, obis_to_text

router = APIRouter(tags=["readings"])

POINTS_MAX = 10_000
_POINTS_DEFAULT = 1_000


class GapForm(Form):
    """Expected intervals without a reading; `to` is left out of the span."""

    from_: AwareDatetime = Field(serialization_alias="from")
    to: AwareDatetime
    intervals: int
    reason: str


class RevisionForm(Form):
    """Another value that arrived for a reading; the first one stands, this one is kept."""

    captured_at: AwareDatetime
    value: int
    scaler: int
    arrived_at: AwareDatetime


class BucketForm(Form):
    """An hour (UTC) or a day of the site's time zone: what was read in it, nothing computed."""

    from_: AwareDatetime = Field(serialization_alias="from")
    to: AwareDatetime
    readings: int
    first: ReadingForm
    last: ReadingForm
    least: ReadingForm
    greatest: ReadingForm


class ProfileForm(Form):
    """One register of one meter over a span, `to` left out; gaps and revisions beside it."""

    meter: str
    obis: str = Field(serialization_alias="register", description="OBIS code.")
    from_: AwareDatetime = Field(serialization_alias="from")
    to: AwareDatetime
    resolution: str
    readings: list[ReadingForm]
    buckets: list[BucketForm]
    gaps: list[GapForm]
    revisions: list[RevisionForm]
    next_cursor: str | None


@router.get("/meters/{serial}/readings")
async def load_profile(
        serial: str, account: Annotated[Account, Depends(signed_in)], database: Database,
        register: Annotated[str, Query(description="OBIS code, such as 1-0:1.8.0.")],
        from_: Annotated[AwareDatetime, Query(alias="from", description="RFC 3339, with zone.")],
        to: Annotated[AwareDatetime, Query(description="Left out of the span.")],
        resolution: Annotated[Literal["raw", "hour", "day"], Query()] = "raw",
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=POINTS_MAX)] = _POINTS_DEFAULT,
) -> ProfileForm:
    """The load profile of one register. Gaps are explicit; nothing is interpolated.

    With `resolution=raw` a page holds up to `limit` readings, and gaps of the same span.
    """
    start, end = _span(from_, to, cursor)
    obis = _obis(register)
    async with database.connection() as connection:
        meter = await meter_of(connection, account, serial)
        try:
            found = await series.load(connection, meter, obis, start, end, datetime.now(UTC))
        except series.TooLong as error:
            raise refused(422, "from, to: %s." % error) from error
        except series.UnknownRegister as error:
            raise not_found("register", "%s on meter %s" % (register, serial)) from error
    if resolution == "raw":
        return _raw(meter.serial, found, limit)
    grouped = (buckets.hours(found.points) if resolution == "hour"
               else buckets.days(found.points, ZoneInfo(meter.time_zone)))
    return _profile(meter.serial, found, resolution, [], [_bucket(b) for b in grouped], None)


def _raw(serial: str, found: series.Series, limit: int) -> ProfileForm:
    points = found.points[:limit]
    if len(points) == len(found.points):
        return _profile(serial, found, "raw", [reading_form(p) for p in points], [], None)
    ends = found.points[limit].captured_at
    page = series.Series(
        found.obis, found.start, ends, points,
        [gap for gap in found.gaps if gap.start < ends],
        [revision for revision in found.revisions if revision.captured_at < ends])
    cursor = encode_cursor([int(ends.timestamp())])
    return _profile(serial, page, "raw", [reading_form(p) for p in points], [], cursor)


def _profile(
        serial: str, found: series.Series, resolution: str, readings: list[ReadingForm],
        grouped: list[BucketForm], cursor: str | None,
) -> ProfileForm:
    return ProfileForm.model_construct(
        meter=serial, obis=obis_to_text(found.obis), from_=found.start, to=found.end,
        resolution=resolution, readings=readings, buckets=grouped,
        gaps=[GapForm.model_construct(from_=g.start, to=g.end, intervals=g.intervals,
                                      reason=g.reason) for g in found.gaps],
        revisions=[RevisionForm(captured_at=r.captured_at, value=r.value, scaler=r.scaler,
                                arrived_at=r.arrived_at) for r in found.revisions],
        next_cursor=cursor)


def _bucket(bucket: buckets.Bucket) -> BucketForm:
    return BucketForm.model_construct(
        from_=bucket.start, to=bucket.end, readings=bucket.readings,
        first=reading_form(bucket.first), last=reading_form(bucket.last),
        least=reading_form(bucket.least), greatest=reading_form(bucket.greatest))


def _span(start: datetime, end: datetime, cursor: str | None) -> tuple[datetime, datetime]:
    key = number_key(cursor)
    if key is not None:
        start = datetime.fromtimestamp(key, UTC)
    if start >= end:
        raise refused(422, "from: wanted a moment before `to`, got %s and %s." % (
            start.isoformat(), end.isoformat()))
    return start.astimezone(UTC), end.astimezone(UTC)


def _obis(text: str) -> bytes:
    try:
        return obis_from_text(text)
    except Malformed as error:
        raise refused(422, "register: %s." % error) from error
