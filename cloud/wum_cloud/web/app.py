"""The application: API and console over one pool of database connections."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode, urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from wum_cloud import supervised
from wum_cloud.audit.refusals import note_refusal
from wum_cloud.campaigns.plan import PlanRefused
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.configuration.twin import ConfigurationRefused
from wum_cloud.database import DatabaseAway, Pool, open_pool
from wum_cloud.enrolment.claims.claiming import ClaimRefused
from wum_cloud.enrolment.planned.planning import PlanningRefused
from wum_cloud.figures import counted
from wum_cloud.figures.telling import Teller
from wum_cloud.people.accounts import PeopleRefused
from wum_cloud.people.store import count_refusal
from wum_cloud.registry.bulk.file import BulkRefused
from wum_cloud.registry.keys import KeyFileError
from wum_cloud.registry.life.acting import MeterRefused
from wum_cloud.registry.schedules.editing import ScheduleRefused
from wum_cloud.registry.sites.tree import SiteRefused
from wum_cloud.settings import Settings
from wum_cloud.web import api, assets, console, metrics, ready, request_id
from wum_cloud.web.access import SignInFirst, actor_of
from wum_cloud.web.api import document, problems
from wum_cloud.web.guard import Guard
from wum_cloud.web.pace import Pace
from wum_cloud.web.pages import error_page
from wum_cloud.web.rights import Declared, Forbidden, declared, undeclared
from wum_cloud.web.vendor import missing_files

APART = [metrics.router, ready.router]    # Neither pages nor of the API: for other machines.
_GZIP_FROM = 1000   # Bytes; below it a packet is a packet.
_log = logging.getLogger("wum_cloud.web")


class VendorMissing(Exception):
    """Files that the console's pages need were never fetched: the sentence says how to."""


class _Application(FastAPI):
    """FastAPI with the guard around everything, the answer to a mistake of ours included."""

    def build_middleware_stack(self) -> ASGIApp:
        return Guard(super().build_middleware_stack(), lambda: self.state.pace)


def make_app(settings: Settings) -> FastAPI:
    """The application. Raises VendorMissing."""
    _check_vendor()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_pool(app.state.settings.database_url) as pool:
            app.state.database = pool
            metrics.begin(app.state)
            async with _telling(app, pool):
                supervised.tell(supervised.READY)
                alive = asyncio.create_task(supervised.stay_alive())
                yield
                supervised.tell(supervised.STOPPING)
                alive.cancel()

    app = _Application(
        title="WUM head-end", version="1", lifespan=lifespan, docs_url=None, redoc_url=None,
        openapi_url="/api/openapi.json", generate_unique_id_function=lambda route: route.name,
        description="Every list is paged by `cursor`; every refusal is a problem (RFC 9457).")
    configure(app, settings)
    app.include_router(api.router)
    app.include_router(console.router)
    app.mount(assets.ADDRESS, assets.Assets(), name="static")
    for apart in APART:
        app.include_router(apart)
    app.add_api_route("/healthz", _healthz, include_in_schema=False)
    app.add_exception_handler(SignInFirst, _to_sign_in)
    app.add_exception_handler(Forbidden, _on_forbidden)
    app.add_exception_handler(StarletteHTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(DatabaseAway, _on_database_away)
    app.add_exception_handler(KeyFileError, _on_key_file)
    app.add_exception_handler(PeopleRefused, _on_refused)
    app.add_exception_handler(SiteRefused, _on_refused)
    app.add_exception_handler(ClaimRefused, _on_refused)
    app.add_exception_handler(PlanningRefused, _on_refused)
    app.add_exception_handler(BulkRefused, _on_refused)
    app.add_exception_handler(ConfigurationRefused, _on_refused)
    app.add_exception_handler(CommandRefused, _on_refused)
    app.add_exception_handler(PlanRefused, _on_refused)
    app.add_exception_handler(MeterRefused, _on_refused)
    app.add_exception_handler(ScheduleRefused, _on_refused)
    app.add_exception_handler(Exception, _on_failure)
    app.add_middleware(GZipMiddleware, minimum_size=_GZIP_FROM)
    document.complete(app)
    forgotten = undeclared(declarations())
    assert not forgotten, "no permission is declared for %s" % ", ".join(forgotten)
    return app


def configure(app: FastAPI, settings: Settings) -> None:
    """Let the application use these settings from its next start on."""
    app.state.settings = settings
    app.state.pace = Pace(settings.web_requests_per_s)
    app.state.key_file, app.state.vault = settings.key_file, None


def declarations() -> list[Declared]:
    """Every endpoint and page, and the permission that it asks for."""
    return [*declared(api.PREFIX, [part.router for part in api.PARTS]),
            *declared("", [part.router for part in console.PARTS]), *declared("", APART)]


@asynccontextmanager
async def _telling(app: FastAPI, pool: Pool) -> AsyncIterator[None]:
    """Where several processes answer, each tells the others its figures."""
    counted.watch_pool(pool.get_stats)
    app.state.teller = None
    if app.state.settings.web_workers == 1:
        yield
        return
    app.state.teller = Teller(pool, "web")
    task = asyncio.create_task(app.state.teller.keep())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _check_vendor() -> None:
    folder = assets.STATIC / "vendor"
    missing = missing_files(folder)
    if missing:
        raise VendorMissing(
            "The console's files %s are missing in %s: run `python -m wum_cloud.web.vendor`, "
            "which fetches them by npm." % (", ".join(missing), folder))


async def _healthz() -> Response:
    """For load balancers: this process answers. Says nothing of the database."""
    return PlainTextResponse("ok\n")


async def _to_sign_in(request: Request, _: Exception) -> Response:
    """Send the visitor to sign in and back again; a part of a page sends its whole page there."""
    wanted = request.url.path + ("?" + request.url.query if request.url.query else "")
    if request.headers.get("hx-request"):
        shown = urlsplit(request.headers.get("hx-current-url", "/"))
        wanted = shown.path + ("?" + shown.query if shown.query else "")
        return Response(status_code=204, headers={"HX-Redirect": _sign_in(wanted)})
    if "x-live" in request.headers:
        return Response(status_code=401)
    return RedirectResponse(_sign_in(wanted), 303)


def _sign_in(wanted: str) -> str:
    return "/sign-in" if wanted == "/" else "/sign-in?" + urlencode({"next": wanted})


def _is_api(request: Request) -> bool:
    return problems.is_for_machines(request.url.path)


async def _on_http_error(request: Request, error: Exception) -> Response:
    if _is_api(request):
        return await problems.on_http_error(request, error)
    assert isinstance(error, StarletteHTTPException)
    said = str(error.detail)
    if error.status_code == 404 and said == "Not Found":  # Starlette's, of an unknown address.
        said = "There is no page at this address."
    answer = error_page(request, error.status_code, said)
    answer.headers.update(error.headers or {})
    return answer


async def _on_forbidden(request: Request, error: Exception) -> Response:
    """Refused all the same where the audit trail cannot be reached: nothing was done."""
    assert isinstance(error, Forbidden)
    # The route and not the address: names that somebody asked for are not his to write down.
    below = api.PREFIX if request.url.path.startswith(api.PREFIX) else ""
    asked = "%s %s%s" % (request.method, below, getattr(request.scope.get("route"), "path", "?"))
    _log.warning("request %s: %s was refused to %s, who lacks: %s", request_id.current(), asked,
                 error.account.called, error.missing)
    try:
        async with request.app.state.database.connection() as connection:
            await note_refusal(connection, actor_of(request, error.account), asked,
                               error.missing, str(error.detail))
            await count_refusal(connection, error.account.account_id)
    except DatabaseAway as away:
        _log.error("request %s: the refusal is not on the audit trail", request_id.current(),
                   exc_info=away)
    return await _on_http_error(request, error)


async def _on_invalid(request: Request, error: Exception) -> Response:
    if _is_api(request):
        return await problems.on_invalid(request, error)
    return error_page(request, 422, "This address has a part that no page understands.")


async def _on_refused(request: Request, error: Exception) -> Response:
    """What a room refuses with a sentence; nothing of it was done."""
    if _is_api(request):
        return problems.problem(422, str(error))
    return error_page(request, 422, str(error))


async def _on_database_away(request: Request, error: Exception) -> Response:
    """The database will come back: what was asked can be asked again."""
    return _failed(request, error, 503, "The database does not answer. Readings that arrive "
                   "meanwhile wait on the concentrators; nothing is lost. Please try again.")


async def _on_key_file(request: Request, error: Exception) -> Response:
    """WUM_KEY_FILE is missing, open to others, or another one than the database's secrets need."""
    return _failed(request, error, 503, "The head-end's key file cannot be used. Its log says why.")


async def _on_failure(request: Request, error: Exception) -> Response:
    """A mistake of ours: told without its inner life."""
    return _failed(request, error, 500, "The head-end made a mistake. Its log says which.")


def _failed(request: Request, error: Exception, status: int, detail: str) -> Response:
    _log.error("request %s: %s %s failed", request_id.current(), request.method,
               request.url.path, exc_info=error)
    if _is_api(request):
        return problems.problem(status, detail)
    return error_page(request, status, detail)
