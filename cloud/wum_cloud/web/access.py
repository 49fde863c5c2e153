"""Who asks: the account behind a request, and the database that answers it."""

from typing import Annotated

from fastapi import Depends, HTTPException, Request

from wum_cloud.database import Pool
from wum_cloud.people.accounts import Account


def database_of(request: Request) -> Pool:
    """The application's pool."""
    pool: Pool = request.app.state.database
    return pool


Database = Annotated[Pool, Depends(database_of)]


async def signed_in(request: Request) -> Account:
    """The account of this request's session or token; refuses with 401 where there is none."""
    raise HTTPException(401, "Sign in, or send `Authorization: Bearer` with an API token.")
