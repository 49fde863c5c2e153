"""`wum-cloud web`: the application behind uvicorn, until a signal."""

import asyncio
import logging
import socket
import sys

import uvicorn

from wum_cloud.database import check_migrated
from wum_cloud.people.first_account import make_first_account
from wum_cloud.settings import Settings, is_loopback
from wum_cloud.web.app import VendorMissing, make_app
from wum_cloud.web.slowness import CONNECTIONS_MAX, PatientProtocol

_GRACE_S = 3    # Requests under way at a signal get this long.
_log = logging.getLogger("wum_cloud.web")


def serve(settings: Settings) -> int:
    """Run until SIGINT or SIGTERM; return the exit code.

    Raises DatabaseError, PasswordFileError, and migrations.store.MigrationError.
    """
    try:
        app = make_app(settings)
    except VendorMissing as error:
        print(error, file=sys.stderr)
        return 1
    taken = _why_not(settings.web_host, settings.web_port)
    if taken:
        print("The console cannot listen on %s port %d: %s. Set WUM_WEB_PORT to a free one."
              % (settings.web_host, settings.web_port, taken), file=sys.stderr)
        return 1
    asyncio.run(_prepare(settings))
    _announce(settings)
    common = {"host": settings.web_host, "port": settings.web_port, "log_config": None,
              "access_log": False, "server_header": False, "timeout_graceful_shutdown": _GRACE_S,
              "http": PatientProtocol, "limit_concurrency": CONNECTIONS_MAX}
    if settings.web_workers == 1:
        uvicorn.run(app, **common)  # type: ignore[arg-type]
    else:
        uvicorn.run("wum_cloud.web.worker:app_of_environment", factory=True,
                    workers=settings.web_workers, **common)  # type: ignore[arg-type]
    return 0


async def _prepare(settings: Settings) -> None:
    """Make the first account. Raises DatabaseError, PasswordFileError."""
    await check_migrated(settings.database_url)
    await make_first_account(settings.database_url, settings.web_first_password_file)


def _announce(settings: Settings) -> None:
    _log.info("console on http://%s:%d/", settings.web_host, settings.web_port)
    if not is_loopback(settings.web_host):
        _log.info("other machines reach it through a proxy that speaks HTTPS and sends "
                  "X-Forwarded-Proto: over plain HTTP nobody can sign in")


def _why_not(host: str, port: int) -> str:
    """Why nobody can listen there; empty when one can. uvicorn's own word for it is a traceback."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return str(error.strerror)
    return ""
