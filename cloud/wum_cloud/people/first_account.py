"""The first account, made at the first start. Its password is told once."""

import os
import sys
from pathlib import Path

from wum_cloud.audit.acts import ACCOUNT_MADE, Named, at_the_machine
from wum_cloud.audit.store import note
from wum_cloud.database import connect
from wum_cloud.people import store
from wum_cloud.people.accounts import PasswordFileError
from wum_cloud.people.passwords import hash_password, new_secret

NAME = "admin"
TENANT = "default"


async def make_first_account(database_url: str, password_file: Path | None) -> bool:
    """Make the administrator where there is no account at all; say whether one was made.

    The password goes to `password_file` (mode 0600), or to standard error where there is none.
    The file is written before the account is: a password that nobody knows helps nobody. Raises
    DatabaseError, PasswordFileError.
    """
    async with await connect(database_url) as connection:
        await store.lock_accounts(connection)
        if await store.count_accounts(connection):
            return False
        password = new_secret()
        _tell(password, password_file)
        await store.add_account(
            connection, TENANT, NAME, "administrator", await hash_password(password))
        account = await store.first_account(connection)
        assert account is not None
        await note(connection, at_the_machine(account.tenant_id), ACCOUNT_MADE, Named(NAME),
                   role="administrator", branch="(all)")
    return True


def _tell(password: str, password_file: Path | None) -> None:
    if password_file is None:
        print("First start: made the account %s with the password\n\n    %s\n\n"
              "It is shown this once." % (NAME, password), file=sys.stderr, flush=True)
        return
    try:
        password_file.unlink(missing_ok=True)
        handle = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(password + "\n")
    except OSError as error:
        raise PasswordFileError(
            "The first password cannot be written to %s: %s. WUM_WEB_FIRST_PASSWORD_FILE names a "
            "file in a folder that is there." % (password_file, error.strerror)) from error
    print("First start: made the account %s; its password stands in %s." % (NAME, password_file),
          file=sys.stderr, flush=True)
