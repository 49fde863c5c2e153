"""API tokens: how another system proves who it is. Shown once, kept as a hash."""

from wum_cloud.database import Pool
from wum_cloud.people import store
from wum_cloud.people.accounts import Account
from wum_cloud.people.passwords import hash_of_secret

PREFIX = "wum_"  # So that scanners of repositories recognise one that leaked.


async def account_of_token(database: Pool, token: str) -> Account | None:
    """The account that `token` stands for; None for one that is unknown."""
    async with database.connection() as connection:
        return await store.touch_token(connection, hash_of_secret(token))
