"""`wum-cloud token`, `password` and `account` as they are typed."""

import argparse
from collections.abc import Callable


def add_people(add: Callable[..., argparse.ArgumentParser], run_token: object,
               run_password: object, run_account: object) -> None:
    """The subcommands, by `add` (name, what runs it, help)."""
    token = add("token", run_token, "Make, list or revoke API tokens.")
    token.add_argument("act", choices=("create", "list", "revoke"))
    token.add_argument("name", nargs="?", metavar="NAME", help="what the token is for")
    token.add_argument("--account", help="whom it acts as (default: the first administrator)")
    token.add_argument("--role", default="integrator", help="what it may do at most: a role "
                       "(default: integrator)")
    token.add_argument("--days", type=int, help="how long it lasts (default: until revoked)")
    password = add("password", run_password,
                   "Give an account a new password, print it once, and end its sessions.")
    password.add_argument("name", metavar="NAME", help="the account, such as admin")
    account = add("account", run_account, "Make, list, change or disable accounts; "
                  "give out what is kept about one, or forget it.")
    account.add_argument("act", choices=(
        "add", "list", "change", "disable", "enable", "factor-off", "export", "forget"))
    account.add_argument("name", nargs="?", metavar="NAME")
    account.add_argument("--role", help="what it may do; docs/people.md names the roles")
    account.add_argument("--branch", help="a site: nothing outside of its branch is shown "
                         "(empty: the whole tenant)")
    for command in (token, account):
        command.add_argument("--tenant", default="default")
