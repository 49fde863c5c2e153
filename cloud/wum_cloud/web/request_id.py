"""The id of the request under way: in the answer's header, in a refusal's text, and in the log.

The guard gives one to every request; whoever logs or refuses reads it here.
"""

import secrets
from contextvars import ContextVar

from wum_cloud import logs

HEADER = "x-request-id"

_current: ContextVar[str] = ContextVar("request_id", default="")


def begin() -> str:
    """Give the request under way a new id: 16 hexadecimal digits."""
    given = secrets.token_hex(8)
    _current.set(given)
    logs.about.set({"request": given})
    return given


def current() -> str:
    """The id of the request under way; empty outside of one."""
    return _current.get()
