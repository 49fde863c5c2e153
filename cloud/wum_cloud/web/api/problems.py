"""Errors as problem details (RFC 9457): every refusal of the API has this one form."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from wum_cloud.web import request_id

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("wum_cloud.web")


class Mistake(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(extra="forbid", strict=True)
    where: str = Field(description="Path of the field, such as query.limit.")
    what: str


class Problem(BaseModel):
    """RFC 9457. `type` is always about:blank: the title says what the status means."""

    model_config = ConfigDict(extra="forbid", strict=True)
    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: str = Field(
        description="As in the header X-Request-Id; the head-end's log has it too.")
    mistakes: list[Mistake] = []


def problem(
        status: int, detail: str, mistakes: list[Mistake] | None = None,
        headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer for one refusal. Logged under the request's id, which the answer carries."""
    _log.log(logging.ERROR if status >= 500 else logging.INFO,
             "request %s: %d %r", request_id.current(), status, detail)
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail,
                   request_id=request_id.current(), mistakes=mistakes or [])
    return JSONResponse(body.model_dump(), status, dict(headers or {}), MEDIA_TYPE)


def is_for_machines(path: str) -> bool:
    """Whether an answer at this address is read by a program: refusals are problems, not pages."""
    return path.startswith("/api/") or path in ("/metrics", "/readyz")


def refused(status: int, detail: str) -> HTTPException:
    """What a route raises to refuse."""
    return HTTPException(status, detail)


def not_found(what: str, name: str) -> HTTPException:
    """404 for a thing that does not exist, or that this tenant may not know of."""
    return HTTPException(404, "There is no %s %s." % (what, name))


async def on_http_error(request: Request, error: Exception) -> Response:
    """Turn a raised HTTP error into problem details."""
    assert isinstance(error, StarletteHTTPException)
    return problem(error.status_code, str(error.detail), headers=error.headers)


async def on_invalid(request: Request, error: Exception) -> Response:
    """Turn pydantic's findings into problem details, one mistake each."""
    assert isinstance(error, RequestValidationError)
    mistakes = [Mistake(where=".".join(str(part) for part in found["loc"]), what=found["msg"])
                for found in error.errors()]
    return problem(422, "The request has %d mistake%s." % (
        len(mistakes), "" if len(mistakes) == 1 else "s"), mistakes)
