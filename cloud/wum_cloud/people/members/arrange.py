"""Arranging accounts: make one, change what it may do, give it a new password, take its factor.

Every act is on the audit trail in the transaction that does it. What is refused is refused with a
sentence (PeopleRefused), and nothing of it is done.
"""

from dataclasses import dataclass

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor, Named
from wum_cloud.audit.store import note
from wum_cloud.database import Connection
from wum_cloud.people import store as people
from wum_cloud.people.accounts import PeopleRefused
from wum_cloud.people.factor import store as factor
from wum_cloud.people.members import store
from wum_cloud.people.passwords import hash_of_secret, hash_password, new_secret
from wum_cloud.people.permissions import OF_PEOPLE, ROLES
from wum_cloud.people.tokens import PREFIX

NAME_MAX = 64
TOKEN_DAYS_MAX = 3650
_WHOLE = "(all)"


@dataclass(frozen=True, slots=True)
class Place:
    """What an account may do, and where. `branch` is a site's name; None: the whole tenant."""

    role: str
    branch: str | None = None
    is_disabled: bool = False


async def add_account(
        connection: Connection, tenant: int, actor: Actor, name: str, place: Place) -> str:
    """Make an account; return its password, which is kept nowhere. Raises PeopleRefused."""
    if not _is_name(name):
        raise PeopleRefused("An account's name has 1..%d printable characters, and no slash."
                            % NAME_MAX)
    site = await _checked(connection, tenant, place)
    await people.lock_accounts(connection)
    if await store.is_taken(connection, name):
        raise PeopleRefused("The name %s is taken." % name)
    password = new_secret()
    await store.add(connection, tenant, name, place.role, site, await hash_password(password))
    await note(connection, actor, acts.ACCOUNT_MADE, Named(name), role=place.role,
               branch=place.branch or _WHOLE)
    return password


async def change_account(
        connection: Connection, tenant: int, actor: Actor, name: str, place: Place,
        own_id: int | None = None) -> None:
    """Give the account another role or branch, disable it, or enable it; its sessions end.

    Raises PeopleRefused: for one's own account (`own_id`), and for the last administrator.
    """
    left = await store.administrators(connection, tenant)
    found = await _known(connection, tenant, name)
    if found.account_id == own_id:
        raise PeopleRefused("Nobody changes the rights of the own account: ask another one.")
    site = await _checked(connection, tenant, place)
    stays = place.role == "administrator" and site is None and not place.is_disabled
    if left == [found.account_id] and not stays:
        raise PeopleRefused("%s is the last administrator of the whole tenant." % name)
    await store.change(connection, found.account_id, place.role, site, place.is_disabled)
    await people.close_other_sessions(connection, found.account_id, None)
    await note(
        connection, actor, acts.ACCOUNT_CHANGED, Named(name),
        before=_words(Place(found.role, found.branch, found.is_disabled)), after=_words(place))


async def reset_password(connection: Connection, tenant: int, actor: Actor, name: str) -> str:
    """Give the account a new password and return it; its sessions end. Raises PeopleRefused."""
    found = await _known(connection, tenant, name)
    password = new_secret()
    await people.set_password(connection, found.account_id, await hash_password(password))
    await people.close_other_sessions(connection, found.account_id, None)
    await people.forget_failures(connection, name)
    await note(connection, actor, acts.PASSWORD_RESET, Named(name))
    return password


async def drop_factor(connection: Connection, tenant: int, actor: Actor, name: str) -> None:
    """For somebody who lost the telephone: the password alone signs in. Raises PeopleRefused."""
    found = await _known(connection, tenant, name)
    await factor.drop(connection, found.account_id)
    await people.close_other_sessions(connection, found.account_id, None)
    await note(connection, actor, acts.FACTOR_OFF, Named(name))


async def add_token(
        connection: Connection, tenant: int, actor: Actor, name: str, account: str, role: str,
        days: int | None) -> str:
    """Make a token that acts as `account` in `role`; return it. Raises PeopleRefused."""
    if not _is_name(name):
        raise PeopleRefused("A token's name has 1..%d printable characters, and no slash."
                            % NAME_MAX)
    if role not in ROLES:
        raise PeopleRefused("There is no role %s: wanted one of %s." % (role, ", ".join(ROLES)))
    if days is not None and not 0 < days <= TOKEN_DAYS_MAX:
        raise PeopleRefused("A token lasts 1..%d days." % TOKEN_DAYS_MAX)
    found = await _known(connection, tenant, account)
    token = PREFIX + new_secret()
    await people.add_token(
        connection, found.account_id, name, hash_of_secret(token), role, days)
    await note(connection, actor, acts.TOKEN_MADE, name, account=Named(account), role=role,
               days="for ever" if days is None else str(days))
    return token


async def revoke_tokens(connection: Connection, tenant: int, actor: Actor, name: str) -> int:
    """Forget every token of this name; how many there were. Raises PeopleRefused for none."""
    removed = await people.remove_tokens(connection, tenant, name)
    if not removed:
        raise PeopleRefused("There is no token called %s." % name)
    await note(connection, actor, acts.TOKEN_REVOKED, name, tokens=str(removed))
    return removed


def _is_name(text: str) -> bool:
    return (0 < len(text) <= NAME_MAX and text.isprintable() and text == text.strip()
            and "/" not in text)


async def _known(connection: Connection, tenant: int, name: str) -> store.Member:
    found = await store.member(connection, tenant, name)
    if found is None:
        raise PeopleRefused("There is no account called %s." % name)
    return found


async def _checked(connection: Connection, tenant: int, place: Place) -> int | None:
    """Number of the branch's site. Raises PeopleRefused."""
    if place.role not in OF_PEOPLE:
        raise PeopleRefused("There is no role %s for people: wanted one of %s." % (
            place.role, ", ".join(OF_PEOPLE)))
    if place.branch is None:
        return None
    site = await store.site_named(connection, tenant, place.branch)
    if site is None:
        raise PeopleRefused("There is no site %s." % place.branch)
    return site


def _words(place: Place) -> str:
    return "%s, %s%s" % (place.role, place.branch or _WHOLE,
                         ", disabled" if place.is_disabled else "")
