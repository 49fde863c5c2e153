"""`wum-cloud account export` and `wum-cloud account forget`."""

from wum_cloud.audit.acts import at_the_machine
from wum_cloud.database import connect
from wum_cloud.people.accounts import PeopleRefused
from wum_cloud.people.members import store as members
from wum_cloud.people.personal import data


async def print_data(database_url: str, tenant: str, name: str) -> int:
    """Print all that is kept about an account, a line of JSON each; the exit code.

    Raises PeopleRefused.
    """
    number = await _tenant(database_url, tenant)
    async with await connect(database_url) as connection:
        await data.note_export(connection, number, at_the_machine(number), name)
    async with await connect(database_url) as connection:
        async for line in data.lines_about(connection, number, name):
            print(line, end="")
    return 0


async def forget(database_url: str, tenant: str, name: str) -> int:
    """Forget an account that is disabled; the exit code. Raises PeopleRefused."""
    number = await _tenant(database_url, tenant)
    async with await connect(database_url) as connection:
        own = await data.forget(connection, number, at_the_machine(number), name)
    print("%s is forgotten. Where the name stood it is called %s now. Backups from before, and "
          "logs, still hold the name." % (name, own))
    return 0


async def _tenant(database_url: str, name: str) -> int:
    async with await connect(database_url) as connection:
        number = await members.tenant_named(connection, name)
    if number is None:
        raise PeopleRefused("There is no tenant called %s." % name)
    return number
