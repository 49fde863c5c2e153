"""Readings of one register over a span: as they were captured, by hour, or by local day."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from wum_cloud.paging import encode_cursor
from wum_cloud.readings import series, sketch
from wum_cloud.readings.days import day_edges, hour_edges
from wum_cloud.web.access import Database
from wum_cloud.web.api.forms import (
    Cursor,
    Form,
    Moment,
    ReadingForm,
    foreign_cursor,
    number_key,
    reading_form,
)
from wum_cloud.web.api.meters import meter_of
from wum_cloud.web.api.problems import refused
from wum_cloud.web.rights import ReadingsCaller
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
        serial: str, account: ReadingsCaller, database: Database,
        register: Annotated[str, Query(description="OBIS code, such as 1-0:1.8.0.")],
        from_: Annotated[Moment, Query(alias="from", description="RFC 3339, with zone.")],
        to: Annotated[Moment, Query(description="Left out of the span.")],
        resolution: Annotated[Literal["raw", "hour", "day"], Query()] = "raw",
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=POINTS_MAX)] = _POINTS_DEFAULT,
) -> ProfileForm:
    """The load profile of one register. Gaps are explicit; nothing is interpolated.

    With `resolution=raw` a page holds up to `limit` readings, and the gaps that end on it; hours
    and days come all at once.
    """
    start, end = _span(from_, to, None if resolution != "raw" else cursor)
    if cursor is not None and resolution != "raw":
        raise refused(422, "cursor: hours and days come all at once, there is no next page.")
    async with database.connection() as connection:
        meter = await meter_of(connection, account, serial)
        try:
            if resolution == "raw":
                found, following = await series.page(
                    connection, meter, _obis(register), start, end, datetime.now(UTC),
                    limit=limit, continues=cursor is not None)
                return _raw(meter.serial, found, following)
            edges = _edges(resolution, start, end, meter.time_zone)
            found, buckets = await sketch.grouped(
                connection, meter, _obis(register), start, end, sketch.Wait(datetime.now(UTC)),
                edges)
        except series.TooLong as error:
            raise refused(422, "from, to: %s." % error) from error
        except series.UnknownRegister as error:
            raise refused(404, "%s." % error) from error
    return _profile(meter.serial, found, resolution, [], [_bucket(b) for b in buckets], None)


def _edges(resolution: str, start: datetime, end: datetime, zone: str) -> list[datetime]:
    """Where hours or local days begin. Raises TooLong."""
    if (end - start) / timedelta(hours=1 if resolution == "hour" else 24) > POINTS_MAX:
        raise series.TooLong("%d %ss at most in one answer: ask for a shorter span" % (
            POINTS_MAX, resolution))
    return (hour_edges(start, end) if resolution == "hour"
            else day_edges(start, end, ZoneInfo(zone)))


def _raw(serial: str, found: series.Series, following: datetime | None) -> ProfileForm:
    cursor = None if following is None else encode_cursor([int(following.timestamp())])
    return _profile(serial, found, "raw", [reading_form(p) for p in found.points], [], cursor)


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


def _bucket(bucket: sketch.Bucket) -> BucketForm:
    return BucketForm.model_construct(
        from_=bucket.start, to=bucket.end, readings=bucket.readings,
        first=reading_form(bucket.first), last=reading_form(bucket.last),
        least=reading_form(bucket.least), greatest=reading_form(bucket.greatest))


def _span(start: datetime, end: datetime, cursor: str | None) -> tuple[datetime, datetime]:
    key = number_key(cursor)
    if key is not None:
        if not start.timestamp() <= key < end.timestamp():
            raise foreign_cursor(str(cursor))
        start = datetime.fromtimestamp(key, UTC)
    if start >= end:
        raise refused(422, "from: wanted a moment before `to`, got %s and %s." % (
            start.isoformat(), end.isoformat()))
    return start, end


def _obis(text: str) -> bytes:
    try:
        return obis_from_text(text)
    except Malformed as error:
        raise refused(422, "register: %s." % error) from error
