"""API tokens: how another system proves who it is. Shown once, kept as a hash."""

import sys

from wum_cloud.database import Pool, connect
from wum_cloud.people import store
from wum_cloud.people.accounts import Account
from wum_cloud.people.passwords import hash_of_secret, new_secret
from wum_cloud.settings import Settings

PREFIX = "wum_"  # So that scanners of repositories recognise one that leaked.


async def print_new_token(settings: Settings, name: str) -> int:
    """Make a token called `name`, print it, return the exit code."""
    async with await connect(settings.database_url) as connection:
        account = await store.first_account(connection)
        if account is None:
            print("There is no account yet: start `wum-cloud web` once, it makes the first one.",
                  file=sys.stderr)
            return 1
        token = PREFIX + new_secret()
        await store.add_token(connection, account.account_id, name, hash_of_secret(token))
    print(token)
    print("The token %s acts as %s. It is shown this once; send it as `Authorization: Bearer`."
          % (name, account.name), file=sys.stderr)
    return 0


async def print_tokens(settings: Settings) -> int:
    """Print every token's name, age and last use; return the exit code."""
    async with await connect(settings.database_url) as connection:
        account = await store.first_account(connection)
        found = [] if account is None else await store.tokens(connection, account.account_id)
    for token in found:
        used = token.last_used_at.isoformat(timespec="seconds") if token.last_used_at else "never"
        print("%-32s made %s  last used %s" % (
            token.name, token.created_at.isoformat(timespec="seconds"), used))
    return 0


async def revoke(settings: Settings, name: str) -> int:
    """Forget every token called `name`; return the exit code, 1 where there is none."""
    async with await connect(settings.database_url) as connection:
        removed = await store.remove_tokens(connection, name)
    if not removed:
        print("There is no token called %s." % name, file=sys.stderr)
        return 1
    print("Revoked %d token%s called %s." % (removed, "" if removed == 1 else "s", name))
    return 0


async def account_of_token(database: Pool, token: str) -> Account | None:
    """The account that `token` stands for; None for one that is unknown."""
    async with database.connection() as connection:
        return await store.touch_token(connection, hash_of_secret(token))
