"""What every request passes: headers on every answer, and refusal of requests from other sites.

A plain ASGI middleware, so that streams and errors get the headers too.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wum_cloud.web.api.problems import problem

BODY_MAX = 64 * 1024   # Bytes; the longest form is sign-in.
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

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers.setdefault("strict-transport-security", "max-age=31536000")
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = _refusal(scope)
        if refusal is not None:
            await problem(*refusal)(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)


def _refusal(scope: Scope) -> tuple[int, str] | None:
    if scope["method"] in _SAFE:
        return None
    headers = Headers(scope=scope)
    if not headers.get("content-length", "").isdigit():
        return 411, "Content-Length is missing."
    if int(headers["content-length"]) > BODY_MAX:
        return 413, "The body has more than %d bytes." % BODY_MAX
    if "authorization" not in headers and not _is_same_origin(headers, scope["scheme"]):
        return 403, "This request came from another site."
    return None


def _is_same_origin(headers: Headers, scheme: str) -> bool:
    """Fetch metadata where the browser sends it, else the Origin; neither is a refusal."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return headers.get("origin") == "%s://%s" % (scheme, headers.get("host", ""))
