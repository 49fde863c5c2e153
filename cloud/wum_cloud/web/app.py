"""The application: API and console over one pool of database connections."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from wum_cloud.database import open_pool
from wum_cloud.settings import Settings
from wum_cloud.web import api, console
from wum_cloud.web.access import SignInFirst
from wum_cloud.web.api import problems
from wum_cloud.web.guard import Guard
from wum_cloud.web.pages import error_page
from wum_cloud.web.vendor import missing_files

STATIC = Path(__file__).parent / "static"
_log = logging.getLogger("wum_cloud.web")


class VendorMissing(Exception):
    """Files that the console's pages need were never fetched: the sentence says how to."""


def make_app(settings: Settings) -> FastAPI:
    """The application. Raises VendorMissing."""
    missing = missing_files(STATIC / "vendor")
    if missing:
        raise VendorMissing(
            "The console's files %s are missing in %s: run `python -m wum_cloud.web.vendor`, "
            "which fetches them by npm." % (", ".join(missing), STATIC / "vendor"))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_pool(settings.database_url) as pool:
            app.state.database = pool
            yield

    app = FastAPI(
        title="WUM head-end", version="1", lifespan=lifespan, docs_url=None, redoc_url=None,
        openapi_url="/api/openapi.json",
        description="Every list is paged by `cursor`; every refusal is a problem (RFC 9457).")
    app.include_router(api.router)
    app.include_router(console.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_api_route("/healthz", _healthz, include_in_schema=False)
    app.add_exception_handler(SignInFirst, _to_sign_in)
    app.add_exception_handler(StarletteHTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_failure)
    app.add_middleware(Guard)
    problems.describe(app)
    return app


async def _healthz() -> Response:
    """For load balancers: this process answers. Says nothing of the database."""
    return PlainTextResponse("ok\n")


async def _to_sign_in(request: Request, _: Exception) -> Response:
    """Send the visitor to sign in and back again; a fragment's page is sent as a whole."""
    wanted = request.url.path + ("?" + request.url.query if request.url.query else "")
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"HX-Redirect": "/sign-in"})
    target = request.url_for("show_sign_in").include_query_params(next=wanted)
    return RedirectResponse(target, 303)


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")


async def _on_http_error(request: Request, error: Exception) -> Response:
    if _is_api(request):
        return await problems.on_http_error(request, error)
    assert isinstance(error, StarletteHTTPException)
    return error_page(request, error.status_code, str(error.detail))


async def _on_invalid(request: Request, error: Exception) -> Response:
    if _is_api(request):
        return await problems.on_invalid(request, error)
    return error_page(request, 422, "This address has a part that no page understands.")


async def _on_failure(request: Request, error: Exception) -> Response:
    """A mistake of ours or a database that is away: told without its inner life."""
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = "The head-end could not answer. Its log says why; please try again."
    return problems.problem(500, detail) if _is_api(request) else error_page(request, 500, detail)
