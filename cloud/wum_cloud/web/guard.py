"""What every request passes: an id, headers on every answer, refusal of what is foreign or broken.

A plain ASGI middleware, so that streams and errors get the headers too.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wum_cloud.web import request_id
from wum_cloud.web.api.problems import problem
from wum_cloud.web.pages import error_page
from wum_cloud.web.uploads import LONGER

BODY_MAX = 64 * 1024   # Bytes; more only where files are taken (uploads.py).
_SAFE = ("GET", "HEAD", "OPTIONS")
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Wraps the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = request_id.begin()
        is_head = scope["method"] == "HEAD"

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message), scope, given)
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        refusal = _refusal(scope)
        if refusal is not None:
            await _refuse(scope, receive, send_guarded, *refusal)
            return
        asked = {**scope, "method": "GET"} if is_head else scope  # Routes know only GET.
        await self._app(asked, receive, send_guarded)


def _add_headers(headers: MutableHeaders, scope: Scope, given: str) -> None:
    headers[request_id.HEADER] = given
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    if scope["scheme"] == "https":
        headers.setdefault("strict-transport-security", "max-age=31536000")
    if not scope["path"].startswith("/static/"):
        headers.setdefault("cache-control", "no-store")


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, detail: str) -> None:
    if scope["path"].startswith("/api/"):
        await problem(status, detail)(scope, receive, send)
    else:
        await error_page(Request(scope), status, detail)(scope, receive, send)


def _refusal(scope: Scope) -> tuple[int, str] | None:
    # PostgreSQL has no text with a NUL in it: refused here once, for every field of every page.
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        return 400, "The address holds a NUL character."
    if scope["method"] in _SAFE:
        return None
    headers = Headers(scope=scope)
    if "transfer-encoding" in headers:
        return 411, "Content-Length is missing."
    length = headers.get("content-length", "0")
    most = LONGER.get(scope["path"], BODY_MAX)
    if not length.isdigit() or int(length) > most:
        return 413, "The body has more than %d bytes." % most
    if "authorization" not in headers and not _is_same_origin(headers, scope["scheme"]):
        return 403, "This request came from another site."
    return None


def _is_same_origin(headers: Headers, scheme: str) -> bool:
    """Fetch metadata where the browser sends it, else the Origin; neither is a refusal."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return headers.get("origin") == "%s://%s" % (scheme, headers.get("host", ""))
