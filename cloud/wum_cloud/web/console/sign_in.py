"""Signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from wum_cloud.people import sign_in
from wum_cloud.people.passwords import PASSWORD_MAX
from wum_cloud.web.access import Database, address_of, cookie_name, is_private, vault_of
from wum_cloud.web.pages import page
from wum_cloud.web.rights import OwnForm
from wum_cloud.web.texts import gettext as _

router = APIRouter()

_CODE_MAX = 10     # Six digits, and the space in their midst that applications show.


@router.get("/sign-in")
async def show_sign_in(request: Request, next: str = "/") -> Response:
    """The form."""
    return page(request, "sign_in.html", None, next=_own(next), name="",
                refusal="" if is_private(request) else _plain_http())


@router.post("/sign-in")
async def do_sign_in(
        request: Request, database: Database,
        name: Annotated[str, Form(max_length=64, pattern=r"^[^\x00]*$")],
        password: Annotated[str, Form(max_length=PASSWORD_MAX)],
        code: Annotated[str, Form(max_length=_CODE_MAX)] = "",
        next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Open a session and go where the visitor wanted; a refusal keeps what was typed."""
    try:
        if not is_private(request):
            raise sign_in.SignInRefused(_plain_http())
        opened = await sign_in.sign_in(
            database, sign_in.Attempt(name, password, code, address_of(request)),
            vault_of(request))
    except sign_in.SignInRefused as error:
        return page(request, "sign_in.html", None, 401, next=_own(next), name=name,
                    refusal=str(error))
    answer = RedirectResponse(_own(next), 303)
    answer.set_cookie(
        cookie_name(request), opened.token, path="/", httponly=True, samesite="lax",
        secure=request.url.scheme == "https")
    return answer


@router.post("/sign-out")
async def do_sign_out(request: Request, database: Database, session: OwnForm) -> Response:
    """End the session."""
    await sign_in.sign_out(database, request.cookies[cookie_name(request)], session.account,
                           address_of(request))
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(cookie_name(request), path="/", httponly=True, samesite="lax",
                         secure=request.url.scheme == "https")
    return answer


def _plain_http() -> str:
    return _("This page came over plain HTTP, where others can read a password. "
             "Use https:// or open it on the machine itself.")


def _own(target: str) -> str:
    """`target` where it is a path of ours, else the first page: nobody is sent to another host."""
    is_path = target.startswith("/") and not target.startswith("//")
    return target if is_path and target.isprintable() and "\\" not in target else "/"
