"""Accounts: who signs in, and for which tenant."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who is signed in. `role` is administrator, operator or viewer."""

    account_id: int
    tenant_id: int
    name: str
    role: str
