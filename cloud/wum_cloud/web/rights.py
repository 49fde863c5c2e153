"""What each endpoint and page asks of its caller: one permission, and how far it looks.

Every route depends on exactly one `Needs`; `undeclared` names those that forget to, and the
application does not start with one. Left out: who asks (access.py), what roles may do
(people/permissions.py).
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from wum_cloud.people.accounts import Account
from wum_cloud.people.permissions import (
    APPROVE,
    ASK_METERS,
    EDIT_METERS,
    EDIT_PEOPLE,
    EDIT_REGISTRY,
    ENROL,
    HAND_IN,
    LEND,
    MAINTAIN,
    MEANINGS,
    OWN_ACCOUNT,
    READ_AUDIT,
    READ_COMMANDS,
    READ_HEALTH,
    READ_PEOPLE,
    READ_READINGS,
    READ_REGISTRY,
    READ_UPDATES,
    REVOKE,
    RUN_UPDATES,
    SWITCH,
)
from wum_cloud.people.store import Session
from wum_cloud.web.access import signed_in, visitor

# Anybody may ask for these: the health of the process, signing in, and the API's own description.
OPEN = frozenset({"/healthz", "/readyz", "/sign-in", "/api/openapi.json"})
_CSRF_MAX = 100


class Forbidden(HTTPException):
    """403 to somebody who is known: it goes on the audit trail, with what was missing."""

    def __init__(self, account: Account, missing: str, detail: str) -> None:
        super().__init__(403, detail)
        self.account = account
        self.missing = missing


class Needs:
    """A permission. `in_branch`: the answer is narrowed to the caller's branch of the site tree;
    else it is of the whole tenant, and who is confined to a branch is refused.
    """

    def __init__(self, permission: str, *, in_branch: bool = False) -> None:
        assert permission in MEANINGS
        self.permission = permission
        self.in_branch = in_branch

    def check(self, account: Account) -> None:
        """Refuses with 403."""
        if self.permission not in account.permissions:
            raise Forbidden(account, self.permission, "%s may not %s." % (
                _whose(account), MEANINGS[self.permission]))
        if account.site_id is not None and not self.in_branch:
            raise Forbidden(account, self.permission + " of the whole tenant",
                            "This is of the whole tenant, and %s is confined to a branch of its "
                            "sites." % account.name)


class ApiNeeds(Needs):
    """Of an endpoint of the API; gives the account."""

    async def __call__(self, account: Annotated[Account, Depends(signed_in)]) -> Account:
        self.check(account)
        return account


class PageNeeds(Needs):
    """Of a page; gives the session."""

    async def __call__(self, session: Annotated[Session, Depends(visitor)]) -> Session:
        self.check(session.account)
        return session


class FormNeeds(Needs):
    """Of a form that a page gave out; gives the session. Refuses with 403 any other's form."""

    async def __call__(
            self, session: Annotated[Session, Depends(visitor)],
            csrf: Annotated[str, Form(max_length=_CSRF_MAX)] = "") -> Session:
        check_form(session, csrf)
        self.check(session.account)
        return session


def check_form(session: Session, csrf: str) -> None:
    """Refuses with 403 a form that carries another than this session's own."""
    if not secrets.compare_digest(csrf.encode(), session.csrf_token.encode()):
        raise Forbidden(session.account, "a form of this session",
                        "This form is not of your session: reload the page.")


RegistryCaller = Annotated[Account, Depends(ApiNeeds(READ_REGISTRY, in_branch=True))]
TenantsRegistryCaller = Annotated[Account, Depends(ApiNeeds(READ_REGISTRY))]
RegistryEditor = Annotated[Account, Depends(ApiNeeds(EDIT_REGISTRY, in_branch=True))]
TenantsRegistryEditor = Annotated[Account, Depends(ApiNeeds(EDIT_REGISTRY))]
MetersEditor = Annotated[Account, Depends(ApiNeeds(EDIT_METERS, in_branch=True))]
EnrolCaller = Annotated[Account, Depends(ApiNeeds(ENROL, in_branch=True))]
RevokeCaller = Annotated[Account, Depends(ApiNeeds(REVOKE, in_branch=True))]
TenantsRevokeCaller = Annotated[Account, Depends(ApiNeeds(REVOKE))]
CommandsCaller = Annotated[Account, Depends(ApiNeeds(READ_COMMANDS, in_branch=True))]
TenantsCommandsCaller = Annotated[Account, Depends(ApiNeeds(READ_COMMANDS))]
TenantsSwitchCaller = Annotated[Account, Depends(ApiNeeds(SWITCH))]
AskCaller = Annotated[Account, Depends(ApiNeeds(ASK_METERS, in_branch=True))]
SwitchCaller = Annotated[Account, Depends(ApiNeeds(SWITCH, in_branch=True))]
LendCaller = Annotated[Account, Depends(ApiNeeds(LEND, in_branch=True))]
MaintainCaller = Annotated[Account, Depends(ApiNeeds(MAINTAIN, in_branch=True))]
ApproveCaller = Annotated[Account, Depends(ApiNeeds(APPROVE, in_branch=True))]
ReadingsCaller = Annotated[Account, Depends(ApiNeeds(READ_READINGS, in_branch=True))]
HealthCaller = Annotated[Account, Depends(ApiNeeds(READ_HEALTH, in_branch=True))]
TenantsHealthCaller = Annotated[Account, Depends(ApiNeeds(READ_HEALTH))]
UpdatesCaller = Annotated[Account, Depends(ApiNeeds(READ_UPDATES))]
HandInCaller = Annotated[Account, Depends(ApiNeeds(HAND_IN))]
CampaignCaller = Annotated[Account, Depends(ApiNeeds(RUN_UPDATES))]
TenantsApproveCaller = Annotated[Account, Depends(ApiNeeds(APPROVE))]
PeopleCaller = Annotated[Account, Depends(ApiNeeds(READ_PEOPLE))]
PeopleEditor = Annotated[Account, Depends(ApiNeeds(EDIT_PEOPLE))]
AuditCaller = Annotated[Account, Depends(ApiNeeds(READ_AUDIT))]

RegistryVisitor = Annotated[Session, Depends(PageNeeds(READ_REGISTRY, in_branch=True))]
TenantsRegistryVisitor = Annotated[Session, Depends(PageNeeds(READ_REGISTRY))]
RegistryForm = Annotated[Session, Depends(FormNeeds(EDIT_REGISTRY, in_branch=True))]
TenantsEditorVisitor = Annotated[Session, Depends(PageNeeds(EDIT_REGISTRY))]
TenantsEditorForm = Annotated[Session, Depends(FormNeeds(EDIT_REGISTRY))]
MetersVisitor = Annotated[Session, Depends(PageNeeds(EDIT_METERS, in_branch=True))]
MetersForm = Annotated[Session, Depends(FormNeeds(EDIT_METERS, in_branch=True))]
TenantsCommandsVisitor = Annotated[Session, Depends(PageNeeds(READ_COMMANDS))]
TenantsSwitchForm = Annotated[Session, Depends(FormNeeds(SWITCH))]
EnrolVisitor = Annotated[Session, Depends(PageNeeds(ENROL, in_branch=True))]
TenantsRevokeForm = Annotated[Session, Depends(FormNeeds(REVOKE))]
EnrolForm = Annotated[Session, Depends(FormNeeds(ENROL, in_branch=True))]
CommandsVisitor = Annotated[Session, Depends(PageNeeds(READ_COMMANDS, in_branch=True))]
AskForm = Annotated[Session, Depends(FormNeeds(ASK_METERS, in_branch=True))]
SwitchForm = Annotated[Session, Depends(FormNeeds(SWITCH, in_branch=True))]
LendForm = Annotated[Session, Depends(FormNeeds(LEND, in_branch=True))]
MaintainForm = Annotated[Session, Depends(FormNeeds(MAINTAIN, in_branch=True))]
ApproveVisitor = Annotated[Session, Depends(PageNeeds(APPROVE, in_branch=True))]
ApproveForm = Annotated[Session, Depends(FormNeeds(APPROVE, in_branch=True))]
CommandsForm = Annotated[Session, Depends(FormNeeds(READ_COMMANDS, in_branch=True))]
ReadingsVisitor = Annotated[Session, Depends(PageNeeds(READ_READINGS, in_branch=True))]
HealthVisitor = Annotated[Session, Depends(PageNeeds(READ_HEALTH, in_branch=True))]
TenantsHealthVisitor = Annotated[Session, Depends(PageNeeds(READ_HEALTH))]
UpdatesVisitor = Annotated[Session, Depends(PageNeeds(READ_UPDATES))]
CampaignForm = Annotated[Session, Depends(FormNeeds(RUN_UPDATES))]
TenantsApproveForm = Annotated[Session, Depends(FormNeeds(APPROVE))]
PeopleVisitor = Annotated[Session, Depends(PageNeeds(READ_PEOPLE))]
PeopleEditorVisitor = Annotated[Session, Depends(PageNeeds(EDIT_PEOPLE))]
PeopleForm = Annotated[Session, Depends(FormNeeds(EDIT_PEOPLE))]
AuditVisitor = Annotated[Session, Depends(PageNeeds(READ_AUDIT))]
OwnVisitor = Annotated[Session, Depends(PageNeeds(OWN_ACCOUNT, in_branch=True))]
OwnForm = Annotated[Session, Depends(FormNeeds(OWN_ACCOUNT, in_branch=True))]


@dataclass(frozen=True, slots=True)
class Declared:
    """A route and what it asks of its caller; exactly one `Needs` where all is well."""

    method: str
    path: str
    needs: tuple[Needs, ...]


def declared(prefix: str, routers: Iterable[APIRouter]) -> list[Declared]:
    """What the routes of these routers ask, in their order."""
    found = []
    for router in routers:
        for route in router.routes:
            assert isinstance(route, APIRoute), "%s is no plain route" % route
            found += [Declared(method, prefix + route.path, tuple(_needs_in(route.dependant)))
                      for method in sorted(route.methods or ())]
    return found


def undeclared(routes: Iterable[Declared]) -> list[str]:
    """Addresses of routes that are neither open nor ask for exactly one permission."""
    return ["%s %s" % (route.method, route.path) for route in routes
            if (route.path not in OPEN) != (len(route.needs) == 1)]


def _needs_in(dependant: Dependant) -> Iterator[Needs]:
    if isinstance(dependant.call, Needs):
        yield dependant.call
    for below in dependant.dependencies:
        yield from _needs_in(below)


def _whose(account: Account) -> str:
    if account.token_role is None:
        return "The role %s" % account.role
    return "This token (%s of a %s)" % (account.token_role, account.role)
