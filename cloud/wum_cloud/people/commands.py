"""`wum-cloud account` and `wum-cloud token`: accounts and tokens on the command line.

Secrets are printed to standard output, alone and once; what there is to say about them stands on
standard error. Whoever may type these commands has the database: no right is asked for here.
"""

import sys
from datetime import datetime

from wum_cloud.audit.acts import at_the_machine
from wum_cloud.database import Connection, connect
from wum_cloud.people import store
from wum_cloud.people.accounts import PeopleRefused
from wum_cloud.people.members import arrange
from wum_cloud.people.members import store as members
from wum_cloud.people.members.arrange import Place
from wum_cloud.settings import Settings

_LISTED_MAX = 10_000


async def print_new_token(
        settings: Settings, name: str, account: str | None, role: str, days: int | None) -> int:
    """Make a token, print it, return the exit code. Without `account` the first administrator's.

    Raises PeopleRefused.
    """
    async with await connect(settings.database_url) as connection:
        tenant, whose = await _whose(connection, account)
        token = await arrange.add_token(
            connection, tenant, at_the_machine(tenant), name, whose, role, days)
    print(token)
    print("The token %s acts as %s, in the role %s. It is shown this once; send it as "
          "`Authorization: Bearer`." % (name, whose, role), file=sys.stderr)
    return 0


async def print_tokens(settings: Settings, tenant: str) -> int:
    """Print every token's name, role, age and last use; return the exit code."""
    async with await connect(settings.database_url) as connection:
        found = await store.tokens(connection, await _tenant(connection, tenant), None)
    for token in found:
        print("%-32s %s as %s  made %s  last used %s  ends %s" % (
            token.name, token.role, token.account, _when(token.created_at),
            _when(token.last_used_at), _when(token.expires_at)))
    return 0


async def revoke(settings: Settings, tenant: str, name: str) -> int:
    """Forget every token called `name`; return the exit code. Raises PeopleRefused."""
    async with await connect(settings.database_url) as connection:
        number = await _tenant(connection, tenant)
        removed = await arrange.revoke_tokens(connection, number, at_the_machine(number), name)
    print("Revoked %d token%s called %s." % (removed, "" if removed == 1 else "s", name))
    return 0


async def print_accounts(settings: Settings, tenant: str) -> int:
    """Print every account's name, role and branch; return the exit code."""
    async with await connect(settings.database_url) as connection:
        found = await members.members(
            connection, await _tenant(connection, tenant), "", _LISTED_MAX)
    for one in found:
        print("%-32s %-13s %s%s%s" % (
            one.name, one.role, one.branch or "(all)",
            ", second factor" if one.has_second_factor else "",
            ", disabled" if one.is_disabled else ""))
    return 0


async def print_new_account(settings: Settings, tenant: str, name: str, place: Place) -> int:
    """Make an account, print its password, return the exit code. Raises PeopleRefused."""
    async with await connect(settings.database_url) as connection:
        number = await _tenant(connection, tenant)
        password = await arrange.add_account(
            connection, number, at_the_machine(number), name, place)
    print(password)
    print("The password of %s, who is %s. It is shown this once." % (name, place.role),
          file=sys.stderr)
    return 0


async def change_account(
        settings: Settings, tenant: str, name: str, role: str | None, branch: str | None,
        is_disabled: bool | None) -> int:
    """Change what is not None; an empty branch is the whole tenant. Raises PeopleRefused."""
    async with await connect(settings.database_url) as connection:
        number = await _tenant(connection, tenant)
        found = await members.member(connection, number, name)
        if found is None:
            raise PeopleRefused("There is no account called %s." % name)
        place = Place(
            role or found.role, found.branch if branch is None else branch or None,
            found.is_disabled if is_disabled is None else is_disabled)
        await arrange.change_account(connection, number, at_the_machine(number), name, place)
    print("%s is %s now%s; open sessions were ended." % (
        name, place.role, ", disabled" if place.is_disabled else ""))
    return 0


async def drop_factor(settings: Settings, tenant: str, name: str) -> int:
    """Let the account sign in with its password alone. Raises PeopleRefused."""
    async with await connect(settings.database_url) as connection:
        number = await _tenant(connection, tenant)
        await arrange.drop_factor(connection, number, at_the_machine(number), name)
    print("%s signs in with the password alone now." % name)
    return 0


async def print_new_password(database_url: str, name: str) -> int:
    """Give the account `name` a random password, print it, end its sessions; the exit code."""
    async with await connect(database_url) as connection:
        known = await store.account_named(connection, name)
        if known is None:
            print("There is no account called %s." % name, file=sys.stderr)
            return 1
        tenant = known.account.tenant_id
        password = await arrange.reset_password(
            connection, tenant, at_the_machine(tenant), name)
    print(password)
    print("The new password of %s. It is shown this once." % name, file=sys.stderr)
    return 0


async def _whose(connection: Connection, name: str | None) -> tuple[int, str]:
    """Tenant and name of the account that a token is to act as. Raises PeopleRefused."""
    if name is not None:
        known = await store.account_named(connection, name)
        if known is None:
            raise PeopleRefused("There is no account called %s." % name)
        return known.account.tenant_id, name
    first = await store.first_account(connection)
    if first is None:
        raise PeopleRefused("There is no account yet: start `wum-cloud web` once, it makes the "
                            "first one.")
    return first.tenant_id, first.name


async def _tenant(connection: Connection, name: str) -> int:
    number = await members.tenant_named(connection, name)
    if number is None:
        raise PeopleRefused("There is no tenant called %s." % name)
    return number


def _when(moment: datetime | None) -> str:
    return "never" if moment is None else moment.isoformat(timespec="seconds")
