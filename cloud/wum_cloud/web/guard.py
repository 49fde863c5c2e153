"""What every request passes: an id, headers on every answer, refusal of what is foreign or broken.

A plain ASGI middleware, so that streams and errors get the headers too.
"""

import logging
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wum_cloud.figures import counted
from wum_cloud.web import request_id
from wum_cloud.web.api.problems import is_for_machines, problem
from wum_cloud.web.pace import ADDRESS_TIMES, SENTENCE, Pace
from wum_cloud.web.pages import error_page
from wum_cloud.web.slowness import TooSlow, patient
from wum_cloud.web.uploads import longest

BODY_MAX = 64 * 1024   # Bytes; more only where files are taken (uploads.py).
_API = "/api/v1"
_QUIET = ("/static", "/healthz", "/readyz", "/metrics")     # Asked for all day by machines.
_log = logging.getLogger("wum_cloud.web.request")
_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
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

    def __init__(self, app: ASGIApp, pace: Callable[[], Pace]) -> None:
        self._app = app
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = request_id.begin()
        is_head = scope["method"] == "HEAD"
        began_s = time.perf_counter()
        status = 500

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status == 429:       # Where nobody said when: soon.
                    MutableHeaders(scope=message).setdefault("retry-after", "1")
                _add_headers(MutableHeaders(scope=message), scope, given)
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        refusal = self._too_fast(scope) or _refusal(scope)
        hear, say = patient(receive, send_guarded)
        asked = {**scope, "method": "GET"} if is_head else scope  # Routes know only GET.
        try:
            if refusal is None:
                await self._app(asked, hear, say)
            else:
                await _refuse(scope, hear, say, *refusal)
        except TooSlow as error:
            _log.info("%s was given up: %s", scope["path"].partition("?")[0][:100], error)
        finally:
            _count(asked, refusal is not None, status, time.perf_counter() - began_s)


    def _too_fast(self, scope: Scope) -> tuple[int, str] | None:
        address = scope["client"][0] if scope.get("client") else "unknown"
        wait_s = self._pace().wait_s("address " + address, ADDRESS_TIMES)
        return (429, SENTENCE % wait_s) if wait_s else None


def _count(scope: Scope, is_refused: bool, status: int, took_s: float) -> None:
    """By the route's pattern, never by the address that was asked for: routes can be counted."""
    path: str | None = getattr(scope.get("route"), "path", None)
    if path is not None and scope["path"].startswith(_API) and not path.startswith(_API):
        path = _API + path      # The route of a router that was put below it.
    if path is None:
        path = ("(refused)" if is_refused else "/static" if scope["path"].startswith("/static/")
                else "(none)")
    method = scope["method"] if scope["method"] in _METHODS else "(other)"
    counted.REQUESTS.labels(method, path, status).inc()
    if path not in _QUIET:
        _log.info("%s %s: %d in %d ms", method, path, status, took_s * 1000)
    counted.REQUEST_S.labels(path).observe(took_s)


def _add_headers(headers: MutableHeaders, scope: Scope, given: str) -> None:
    headers[request_id.HEADER] = given
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    if scope["scheme"] == "https":
        headers.setdefault("strict-transport-security", "max-age=31536000")
    if not scope["path"].startswith("/static/"):
        headers.setdefault("cache-control", "no-store")


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, detail: str) -> None:
    if is_for_machines(scope["path"]):
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
    most = longest(scope["path"], BODY_MAX)
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
