"""One of several processes that answer: the same application, and it ends when its parent does.

Every worker makes its own application from the environment: state is only in PostgreSQL.
"""

import os
import signal
import threading
from multiprocessing import parent_process

from fastapi import FastAPI

from wum_cloud import logs
from wum_cloud.settings import settings_from
from wum_cloud.web.app import make_app


def app_of_environment() -> FastAPI:
    """The application; called in the new process, by uvicorn."""
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    settings = settings_from(os.environ)
    logs.begin(settings.log)
    return make_app(settings)


def _end_with_parent() -> None:
    """A parent that was killed tells nobody; its orphans would keep the port for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
