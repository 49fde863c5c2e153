"""GET /readyz: whether the head-end can do its work, part by part, with the reason where not.

Open to everybody, as load balancers and service managers are nobody: it names parts and says
nothing of readings, people or addresses. `?of=console` asks only for what pages and API need.
Left out: whether this process answers at all (/healthz), figures (metrics.py), advice (doctor.py).
"""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from wum_cloud.database import DatabaseAway
from wum_cloud.figures import store as told
from wum_cloud.figures.families import Unreadable, of_json
from wum_cloud.migrations import store as migrations
from wum_cloud.web.access import Database

router = APIRouter()

PATH = "/readyz"
SPACE_MIN_BYTES = 256 * 1024**2     # On the disk of the key file: logs and temporary files stop.
_WAIT_S = 2.0                       # Whoever asks wants an answer, not patience.
_AWAY = (DatabaseAway, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class Part:
    """`fault` is empty where the part is ready."""

    name: str
    fault: str = ""


@router.get(PATH, include_in_schema=False)
async def ready(
        request: Request, database: Database, of: Literal["all", "console"] = "all") -> Response:
    """200 when every part is ready, else 503."""
    parts: list[Part] = []
    try:
        async with asyncio.timeout(_WAIT_S), database.connection() as connection:
            parts.append(Part("database"))
            await migrations.check_migrated(connection)
            parts.append(Part("tables"))
            others = await told.told(connection)
    except migrations.MigrationError as error:
        parts.append(Part("tables", str(error)))
        others = []
    except _AWAY:
        parts.append(Part("database", "it does not answer"))
        others = []
    parts.append(_disk(request.app.state.key_file))
    if of == "all":
        parts += _ingest(others)
    faults = [part for part in parts if part.fault]
    return JSONResponse(
        {"ready": not faults, "parts": {part.name: part.fault or "ready" for part in parts}},
        503 if faults else 200)


def _disk(key_file: Path | None) -> Part:
    try:
        free = shutil.disk_usage(key_file.parent if key_file is not None else Path.cwd()).free
    except OSError as error:
        return Part("disk", "it cannot be asked: %s" % error.strerror)
    if free < SPACE_MIN_BYTES:
        return Part("disk", "%d MB are left" % (free // 1024**2))
    return Part("disk")


def _ingest(others: list[told.Told]) -> Iterator[Part]:
    """Ingest runs where it told something within the last minute; it says whether it is connected.
    """
    ingest = [one for one in others if one.process.startswith("ingest-")]
    if not ingest:
        yield Part("ingest", "no process of it told anything for a minute")
        return
    yield Part("ingest")
    connected = [one for one in ingest if _is_connected(one.figures)]
    yield Part("broker", "" if connected else "no process of ingest is connected to it")


def _is_connected(figures: str) -> bool:
    try:
        return any(sample.value for family in of_json(figures)
                   if family.name == "wum_broker_connected" for sample in family.samples)
    except Unreadable:      # Of another version, which knows by itself.
        return True
