"""The log: sentences for people, or one JSON object a line (WUM_LOG), with the ids that lead on.

    {"at": "2026-03-01T12:00:00.123Z", "level": "info", "from": "wum_cloud.ingest.batch",
     "said": "stored", "concentrator": "9f...", "batch": "c0ffee.../12-40", "rows": 29}

A batch has the name that its concentrator's log gives it (wum_shared.ids.batch_name), a request the
id that its answer carries, a command and its order theirs. Lines go to standard error; keeping and
turning them over is the machine's affair. No secret belongs into a line.
"""

import json
import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

TEXT, JSON = "text", "json"
FORMS = (TEXT, JSON)
SAID_MAX = 8000     # Characters; a longer line is cut, and says so.

# Ids of what is being done: every line that is written meanwhile has them.
about: ContextVar[Mapping[str, str | int]] = ContextVar("about", default={})  # noqa: B039


def ids(**named: str | int) -> dict[str, Mapping[str, str | int]]:
    """For `extra` of a line: what it is about."""
    return {"ids": named}


def begin(form: str, stream: TextIO | None = None) -> None:
    """Write lines in this form from now on, to standard error unless told otherwise."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if form == JSON else _Text())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)


def _ids_of(record: logging.LogRecord) -> dict[str, str | int]:
    return {**about.get(), **getattr(record, "ids", {})}


def _cut(text: str) -> str:
    return text if len(text) <= SAID_MAX else text[:SAID_MAX] + "... (cut)"


class _Json(logging.Formatter):
    """One object a line; what is said cannot end it, for JSON knows no bare line break."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, str | int] = {
            "at": at.replace("+00:00", "Z"), "level": record.levelname.lower(),
            "from": record.name, "said": _cut(record.getMessage()), **_ids_of(record)}
        if record.exc_info:
            line["traceback"] = _cut(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class _Text(logging.Formatter):
    """A sentence, with the ids behind it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        said = super().formatMessage(record)
        named = " ".join(["%s=%s" % pair for pair in _ids_of(record).items()
                          if pair[0] != "request" or str(pair[1]) not in said])
        return said + (" [%s]" % named if named else "")
