"""Pages: templates, the words around them, and how numbers, times and states are written."""

import gettext
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from wum_cloud.people.store import Session
from wum_cloud.web.api.forms import TIME_QUALITY_WORDS, status_words
from wum_shared.obis import obis_to_text
from wum_shared.status import EVENTS, OUTCOMES
from wum_shared.units import UNITS, scaled_to_text

_HERE = Path(__file__).parent
_NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"

_pages = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"])
# English is the source; catalogues of other languages are found in locale/ when they are made.
_words = gettext.translation("console", _HERE / "locale", ["en"], fallback=True)
_pages.install_gettext_translations(_words, newstyle=True)  # type: ignore[attr-defined]


def page(request: Request, template: str, session: Session | None, status: int = 200,
         **values: object) -> HTMLResponse:
    """A whole page or a fragment of one, for a visitor or for nobody yet."""
    text = _pages.get_template(template).render(
        session=session, path=request.url.path, now=datetime.now(UTC), **values)
    return HTMLResponse(text, status, {"Vary": "HX-Request"})


def error_page(request: Request, status: int, detail: str) -> HTMLResponse:
    """What failed, and what to do; never the inner life of the head-end."""
    return page(request, "error.html", None, status, title=HTTPStatus(status).phrase,
                code=status, detail=detail)


def wants_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of the page."""
    return request.headers.get("hx-request") == "true"


def whole(number: int) -> str:
    """A whole number with thin spaces between thousands: 12 345."""
    return f"{abs(number):,}".replace(",", _NARROW_SPACE).join([_MINUS if number < 0 else "", ""])


def scaled(value: int, scaler: int) -> str:
    """A scaled integer in plain digits, exactly, with thin spaces between thousands."""
    text = scaled_to_text(value, scaler)
    sign, digits = (_MINUS, text[1:]) if text.startswith("-") else ("", text)
    before, point, after = digits.partition(".")
    return sign + f"{int(before):,}".replace(",", _NARROW_SPACE) + point + after


def share(part: int, all_: int) -> str:
    """A share as percent, never rounded up to 100: 99.9 %."""
    if not all_:
        return "\N{EN DASH}"
    tenths = 1000 * part // all_
    return "%d.%d%s%%" % (tenths // 10, tenths % 10, _NARROW_SPACE)


def local(moment: datetime, zone: str) -> str:
    """A moment on the clocks of `zone`: 2026-11-21 07:05:30."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago: 12 s ago, 5 min ago, 3 h ago, 2 d ago; never."""
    if moment is None:
        return _words.gettext("never")
    past = max(now - moment, timedelta())
    for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1)),
                       ("min", timedelta(minutes=1))):
        if past >= 2 * size:
            return _words.gettext("%(n)d %(unit)s ago") % {"n": past // size, "unit": unit}
    return _words.gettext("%(n)d s ago") % {"n": past.seconds}


def unit_word(unit: int) -> str:
    """A unit code as people write it."""
    return UNITS.get(unit, "unit %d" % unit)


_pages.filters.update(
    whole=whole, scaled=scaled, local=local, unit=unit_word,
    obis=obis_to_text, status_words=status_words,
    time_quality=lambda quality: TIME_QUALITY_WORDS[quality].replace("-", " "),
    outcome=lambda outcome: OUTCOMES.get(outcome, "outcome %d" % outcome),
    event=lambda kind: EVENTS.get(kind, "event %d" % kind))
_pages.globals.update(age=age, share=share)
