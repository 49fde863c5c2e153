"""The matrix of roles and endpoints as a document: `python -m wum_cloud.web.matrix`.

It is made of what the routes declare and of people/permissions.py; nobody writes it by hand, and a
test holds docs/permissions.md against it. Left out: enforcing it (rights.py).
"""

import sys

from wum_cloud.people.permissions import MEANINGS, ROLES, TOKENS_ONLY, permissions_of
from wum_cloud.web.api.problems import is_for_machines
from wum_cloud.web.app import declarations
from wum_cloud.web.rights import OPEN, Declared

_HEAD = """# Who may do what

Made by `python -m wum_cloud.web.matrix`, of what every endpoint and page declares; not edited by
hand. [People](people.md) says how accounts, branches and tokens work. A role that stands for people
and a token's own role are both asked: a token may never do more than its account.

## Permissions

| permission | it lets somebody | roles |
|---|---|---|
"""
_MATRIX = """
## Endpoints and pages

`branch`: the answer is narrowed to the branch of the site tree that the account is confined to.
`tenant`: the answer is of the whole tenant, and who is confined to a branch is refused. Open to
everybody are %s; %s is for tokens only, which open no page.

"""


def text() -> str:
    """The whole document."""
    routes = [route for route in declarations() if route.path not in OPEN]
    lines = ["| | " + " | ".join(ROLES) + " | needs | reach |",
             "|---|" + "---|" * (len(ROLES) + 2)]
    lines += [_line(route) for route in sorted(routes, key=lambda r: (r.path, r.method))]
    opened = ", ".join(["`%s`" % path for path in sorted(OPEN)])
    return _HEAD + "".join([_permission(one) for one in MEANINGS]) + _MATRIX % (
        opened, TOKENS_ONLY) + "\n".join(lines) + "\n"


def _permission(permission: str) -> str:
    roles = [role for role, allowed in ROLES.items() if permission in allowed]
    return "| `%s` | %s | %s |\n" % (permission, MEANINGS[permission], ", ".join(roles))


def _line(route: Declared) -> str:
    needs = route.needs[0]
    marks = ["yes" if _may(role, route) else "–" for role in ROLES]
    return "| `%s %s` | %s | `%s` | %s |" % (
        route.method, route.path, " | ".join(marks), needs.permission,
        "branch" if needs.in_branch else "tenant")


def _may(role: str, route: Declared) -> bool:
    if role == TOKENS_ONLY and not is_for_machines(route.path):
        return False
    return route.needs[0].permission in permissions_of(role)


if __name__ == "__main__":
    sys.stdout.write(text())
