"""Pages: the templates, and what each of them may use."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from wum_cloud.people.store import Session
from wum_cloud.web import assets, command_words, naming, registers, request_id, texts, writing
from wum_shared.obis import obis_to_text

_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"])
_pages.install_gettext_translations(texts.words, newstyle=False)  # type: ignore[attr-defined]
_pages.filters.update(
    whole=writing.whole, scaled=writing.scaled, local=writing.local, clock=writing.clock,
    day_and_clock=writing.day_and_clock, duration=writing.length,
    seconds=lambda seconds: writing.length(timedelta(seconds=seconds)), obis=obis_to_text,
    quality=naming.quality, time_quality=naming.time_quality, outcome=naming.outcome,
    event=naming.event, note=naming.note, counter=naming.counter, reason=naming.reason,
    missing=naming.missing, reasons_of=naming.reasons_of, way=naming.way,
    moment_of=lambda at_s: datetime.fromtimestamp(at_s, UTC),
    registers=registers.set_of, day_in_full=writing.day_in_full, month=writing.month)
_pages.globals.update(
    age=writing.age, share=writing.share, intervals=writing.intervals,
    value_and_unit=writing.value_and_unit, quantity=registers.quantity, weekdays=writing.weekdays,
    static=assets.ADDRESS, gap=naming.gap, names=command_words.NAMES,
    explained=command_words.EXPLAINED, parts=command_words.PARTS)


def page(request: Request, template: str, session: Session | None, status: int = 200, /,
         **values: object) -> HTMLResponse:
    """A whole page or a fragment of one, for a visitor or for nobody yet."""
    text = _pages.get_template(template).render({
        "session": session, "path": request.url.path, "now": datetime.now(UTC),
        "zone": None, **values})
    return HTMLResponse(text, status, {"Vary": "HX-Request"})


def error_page(request: Request, status: int, detail: str) -> HTMLResponse:
    """What failed, and what to do; never the inner life of the head-end.

    Where the failure is ours, the log says more under the request's id.
    """
    return page(request, "error.html", getattr(request.state, "session", None), status,
                title=HTTPStatus(status).phrase, code=status, detail=detail,
                request_id=request_id.current() if status >= 500 else "")


def wants_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of the page."""
    restores = request.headers.get("hx-history-restore-request") == "true"
    return request.headers.get("hx-request") == "true" and not restores
