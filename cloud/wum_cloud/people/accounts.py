"""Accounts: who acts, for which tenant and branch, and what they may do."""

from dataclasses import dataclass

from wum_cloud.people.permissions import permissions_of
from wum_cloud.registry.reach import Reach


class PasswordFileError(Exception):
    """The file for the first password cannot be written: a sentence that says why."""


class PeopleRefused(Exception):
    """An account or token cannot be made or changed like that: a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who acts. A token acts as its account, in its own role (`token_role`)."""

    account_id: int
    tenant_id: int
    name: str
    role: str
    site_id: int | None = None
    token: str | None = None        # Name of the token that acts; None: the person.
    token_role: str | None = None

    @property
    def permissions(self) -> frozenset[str]:
        """What both the account and the token that acts for it may do."""
        own = permissions_of(self.role, self.tenant_id)
        return own if self.token_role is None else own & permissions_of(self.token_role)

    @property
    def reach(self) -> Reach:
        """Whose things this account gets to see."""
        return Reach(self.tenant_id, self.site_id)

    @property
    def called(self) -> str:
        """Who acted, for the audit trail."""
        return self.name if self.token is None else "%s (token %s)" % (self.name, self.token)
