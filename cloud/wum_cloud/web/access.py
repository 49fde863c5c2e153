"""Who asks: the account behind a request, and the database that answers it."""

from typing import Annotated

from fastapi import Depends, HTTPException, Request

from wum_cloud.audit.acts import Actor
from wum_cloud.database import Pool
from wum_cloud.people.accounts import Account
from wum_cloud.people.sign_in import session_of
from wum_cloud.people.store import Session
from wum_cloud.people.tokens import account_of_token
from wum_cloud.registry.keys import Vault, open_vault
from wum_cloud.settings import is_loopback
from wum_cloud.web.pace import hold_up

_BEARER = "bearer "


class SignInFirst(Exception):
    """A page was asked for without a session: the visitor is sent to sign in."""


def database_of(request: Request) -> Pool:
    """The application's pool."""
    pool: Pool = request.app.state.database
    return pool


Database = Annotated[Pool, Depends(database_of)]


def cookie_name(request: Request) -> str:
    """`__Host-` binds the cookie to this host and to TLS; plain HTTP is for loopback only."""
    return "__Host-wum_session" if request.url.scheme == "https" else "wum_session"


def is_private(request: Request) -> bool:
    """Whether nobody can listen: HTTPS, or a browser that calls this machine its own."""
    return request.url.scheme == "https" or is_loopback(request.url.hostname or "")


def vault_of(request: Request) -> Vault | None:
    """The head-end's own key; None where WUM_KEY_FILE is not set. Raises KeyFileError.

    Opened when it is first needed: pages without secrets do without.
    """
    state = request.app.state
    if state.vault is None and state.key_file is not None:
        state.vault = open_vault(state.key_file)
    vault: Vault | None = state.vault
    return vault


def needed_vault(request: Request) -> Vault:
    """The head-end's own key. Refuses with 409 where there is none; raises KeyFileError."""
    vault = vault_of(request)
    if vault is None:
        raise HTTPException(409, "The head-end keeps no secrets yet: WUM_KEY_FILE is not set for "
                                 "`wum-cloud web`.")
    return vault


def address_of(request: Request) -> str:
    """Where the request comes from."""
    return request.client.host if request.client else "unknown"


def actor_of(request: Request, account: Account) -> Actor:
    """Who acts, for the audit trail."""
    return Actor(account.tenant_id, account.called, address_of(request), account.name)


async def signed_in(request: Request, database: Database) -> Account:
    """The account of this request's token or session; refuses with 401 where there is none."""
    authorization = request.headers.get("authorization", "")
    if authorization.lower().startswith(_BEARER):
        account = await account_of_token(database, authorization[len(_BEARER):].strip())
        if account is not None:
            hold_up(request.app.state.pace, account.account_id)
            return account
        raise _unauthorised("This API token is unknown.")
    session = await _session(request, database)
    if session is None:
        raise _unauthorised("Sign in, or send `Authorization: Bearer` with an API token.")
    return session.account


async def visitor(request: Request, database: Database) -> Session:
    """The session of a page's visitor. Raises SignInFirst."""
    session = await _session(request, database)
    if session is None:
        raise SignInFirst
    return session


async def _session(request: Request, database: Pool) -> Session | None:
    """The cookie's session; remembered for the frame of an error page. A part of a page that
    asks again by itself (`X-Live`) does not renew it: idle means that nobody does anything."""
    token = request.cookies.get(cookie_name(request))
    if not token:
        return None
    session = await session_of(database, token, renews="x-live" not in request.headers)
    request.state.session = session
    if session is not None:
        hold_up(request.app.state.pace, session.account.account_id)
    return session


def _unauthorised(detail: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})
