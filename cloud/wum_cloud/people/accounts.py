"""Accounts: who signs in, and for which tenant."""

from dataclasses import dataclass


class PasswordFileError(Exception):
    """The file for the first password cannot be written: a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who is signed in. `role` is administrator, operator or viewer."""

    account_id: int
    tenant_id: int
    name: str
    role: str
