"""`wum-cloud web`: the application behind uvicorn, until a signal."""

import asyncio
import logging
import os
import socket
import sys
from pathlib import Path

import uvicorn

from wum_cloud.people.first_account import make_first_account
from wum_cloud.settings import Settings
from wum_cloud.web.app import VendorMissing, make_app

PASSWORD_FILE = "WUM_WEB_FIRST_PASSWORD_FILE"
_GRACE_S = 3    # Requests under way at a signal get this long.


def serve(settings: Settings) -> int:
    """Run until SIGINT, SIGTERM or SIGHUP; return the exit code."""
    try:
        app = make_app(settings)
    except VendorMissing as error:
        print(error, file=sys.stderr)
        return 1
    given = os.environ.get(PASSWORD_FILE)
    asyncio.run(make_first_account(settings.database_url, Path(given) if given else None))
    taken = _why_not(settings.web_host, settings.web_port)
    if taken:
        print("The console cannot listen on %s port %d: %s. Set WUM_WEB_PORT to a free one."
              % (settings.web_host, settings.web_port, taken), file=sys.stderr)
        return 1
    logging.getLogger("wum_cloud.web").info(
        "console on http://%s:%d/", settings.web_host, settings.web_port)
    uvicorn.run(app, host=settings.web_host, port=settings.web_port, log_config=None,
                access_log=False, server_header=False, timeout_graceful_shutdown=_GRACE_S)
    return 0


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
