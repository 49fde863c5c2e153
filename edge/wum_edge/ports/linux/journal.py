"""What the gateway tells a person: lines on stderr, and a sentence on how it stands."""

import json
import logging
import sys
import time

from wum_edge.agent import Summary
from wum_edge.log import Log
from wum_edge.meters.visit import KnownMeter
from wum_edge.uplink.answer import LATE
from wum_shared import status
from wum_shared.batch import Event
from wum_shared.ids import batch_name

TEXT, JSON = "text", "json"
FORMS = (TEXT, JSON)
_log = logging.getLogger("wum_edge.agent")
_batches = logging.getLogger("wum_edge.batch")
_TROUBLES = (status.EVENT_METER_SILENT, status.EVENT_LINE_GONE)


class Journal(Log):
    """The core's sentences, as lines of the log, each with whose they are."""

    def __init__(self, concentrator: str = "") -> None:
        self._about = {"concentrator": concentrator} if concentrator else {}

    def say(self, text: str) -> None:
        """A line at level INFO."""
        _log.info("%s", text, extra={"ids": self._about})

    def warn(self, text: str) -> None:
        """A line at level WARNING."""
        _log.warning("%s", text, extra={"ids": self._about})

    def batch(self, incarnation: bytes, first: int, last: int, what: str) -> None:
        """A line at level INFO; the head-end's log and database know it by the same name."""
        name = batch_name(incarnation, first, last)
        _batches.info("batch %s: %s", name, what, extra={"ids": {**self._about, "batch": name}})


class _Json(logging.Formatter):
    """One JSON object a line, as the head-end writes them: at, level, from, said, and ids."""

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {"at": "%s.%03dZ" % (at, record.msecs), "level": record.levelname.lower(),
                "from": record.name, "said": record.getMessage(), **getattr(record, "ids", {})}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def begin(recent: logging.Handler, form: str = TEXT) -> None:
    """Lines go to stderr, in one of FORMS, and sentences to `recent`: time in UTC, level, what
    happened.
    """
    logging.raiseExceptions = False      # A closed stderr is no reason to stop reading meters.
    handler = logging.StreamHandler(sys.stderr)
    layout = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    layout.converter = time.gmtime
    handler.setFormatter(_Json() if form == JSON else layout)
    recent.addFilter(lambda record: record.name != _batches.name)    # Too many for who asks.
    recent.setFormatter(layout)
    root = logging.getLogger("wum_edge")
    root.setLevel(logging.INFO)
    root.handlers = [handler, recent]
    root.propagate = False


def tell(event: Event) -> None:
    """A line for an event of the meters or their lines."""
    level = logging.WARNING if event.kind in _TROUBLES else logging.INFO
    _log.log(level, "%s: %s", status.EVENTS.get(event.kind, f"event {event.kind}"), event.note)


def sentence(summary: Summary, oldest_s: int | None, meters: list[KnownMeter],
             connected: bool) -> str:
    """How the gateway stands, for a person: meters, archive, delivery. `oldest_s` is the time of
    the oldest record that the head-end lacks.
    """
    silent = [known.meter.serial for known in meters if known.silence_told]
    parts = [f"{len(meters)} meters" + (f", {_named(silent)} silent" if silent else "")]
    waiting = f"{summary.backlog} records wait for the head-end"
    if oldest_s is not None:
        waiting += f", the oldest of {_utc(oldest_s)}"
    parts.append(f"{summary.archived} records archived, {waiting}")
    if summary.inbox:
        parts.append(f"{summary.inbox} wait for flash")
    if summary.trouble:
        parts.append(summary.trouble)
    if summary.progress is None:
        parts.append(f"nothing is sent: {summary.stopped}")
    else:
        p = summary.progress
        late = p.refused.get(LATE, 0)        # The second answer to what was sent twice: no fault.
        refused = sum(p.refused.values()) - late
        parts.append(("connected" if connected else "no connection") + (
            f", {p.in_flight} batches in flight, {p.answered} acknowledged") + (
            f", {p.timed_out} sent again" if p.timed_out else "") + (
            f", {p.requests} gap requests answered" if p.requests else "") + (
            f", {p.rebuilt} in full for want of a base" if p.rebuilt else "") + (
            f", {late} answers late" if late else "") + (
            f", {refused} answers refused" if refused else ""))
    return "; ".join(parts)


def _named(serials: list[str]) -> str:
    shown = ", ".join(serials[:5])
    return shown if len(serials) <= 5 else f"{shown} and {len(serials) - 5} more"


def _utc(at_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))
