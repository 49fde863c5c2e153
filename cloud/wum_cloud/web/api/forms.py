"""Forms that several answers of the API share, and the parameters that several questions share."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from fastapi import HTTPException, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from wum_cloud.paging import PAGE_DEFAULT, PAGE_MAX, BadCursor, decode_cursor
from wum_cloud.readings.series import Point
from wum_cloud.web.api.problems import refused
from wum_shared import status as flags
from wum_shared.units import UNITS, scaled_to_text

Item = TypeVar("Item")


class Form(BaseModel):
    """Strict: no field that is not named here, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class PageOf(Form, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(
        description="Give it as `cursor` for the next page; null at the end of the list.")


class ReadingForm(Form):
    """One reading. value x 10^scaler is in `unit`; `decimal` is the same, written out."""

    captured_at: AwareDatetime
    value: int
    scaler: int
    unit: str
    decimal: str
    status: list[str] = Field(description="Flags in words; empty: measured and delivered as read.")
    time_quality: str


def _in_utc(moment: datetime) -> datetime:
    if not 1970 < moment.year < 9999:  # A zone's offset may lead out of what a clock can say.
        raise ValueError("wanted a year from 1971 to 9998, got %d" % moment.year)
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Items on a page.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]
DEFAULT_LIMIT = PAGE_DEFAULT

_FLAG_WORDS = (
    (flags.ABSENT, "absent"), (flags.REFUSED, "refused"), (flags.OUT_OF_RANGE, "out-of-range"),
    (flags.LATE, "late"), (flags.ESTIMATED, "estimated"), (flags.FROM_PROFILE, "from-profile"),
    (flags.CLOCK_INVALID, "clock-invalid"), (flags.CLOCK_DOUBTFUL, "clock-doubtful"),
    (flags.CLOCK_LOCAL, "clock-local"),
)
TIME_QUALITY_WORDS = {
    flags.SYNCHRONISED: "synchronised", flags.FREE_RUNNING: "free-running",
    flags.NEVER_SET: "never-set",
}


def reading_form(point: Point) -> ReadingForm:
    """The API's form of one reading."""
    return ReadingForm(
        captured_at=point.captured_at, value=point.value, scaler=point.scaler,
        unit=UNITS.get(point.unit, "unit %d" % point.unit),
        decimal=scaled_to_text(point.value, point.scaler), status=status_words(point.status),
        time_quality=TIME_QUALITY_WORDS[point.time_quality])


def status_words(status: int) -> list[str]:
    """The flags that stand in `status`, in words."""
    words = [word for flag, word in _FLAG_WORDS if status & flag]
    known = sum(flag for flag, _ in _FLAG_WORDS)
    return words + (["0x%04x" % (status & ~known)] if status & ~known else [])


def text_key(cursor: str | None) -> str:
    """The name after which a page starts. Refuses a foreign cursor."""
    return "" if cursor is None else str(parts_of(cursor, [str])[0])


def number_key(cursor: str | None) -> int | None:
    """The number before which a page starts. Refuses a foreign cursor."""
    return None if cursor is None else int(parts_of(cursor, [int])[0])


def parts_of(cursor: str, kinds: Sequence[type[str] | type[int]]) -> list[str | int]:
    """The parts of a cursor's key, of these kinds. Refuses a foreign cursor."""
    try:
        return decode_cursor(cursor, kinds)
    except BadCursor as error:
        raise refused(422, str(error)) from error


def foreign_cursor(cursor: str) -> HTTPException:
    """What refuses a cursor whose parts are of the right kinds and yet mean nothing."""
    return refused(422, "cursor: %r is none of this list's" % cursor)
