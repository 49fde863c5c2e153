"""The twin of a concentrator: wanted, on its way, in force; what would change, and sending it.

Left out: the order itself, which whoever has the commands gives (`Give`), and SQL (store.py). An
identical configuration is not sent.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.configuration import store
from wum_cloud.configuration.composing import (
    NUMBERS,
    Faults,
    Parts,
    compose,
    settings_faults,
)
from wum_cloud.configuration.differing import Change, differences
from wum_cloud.configuration.store import Place, Version
from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_shared.configuration import Configuration, encode_configuration
from wum_shared.ids import id_from_text

VERSIONS_MAX = 20           # That a page shows.
MEMBERS_MAX = 1000          # Concentrators that one act configures.
NAME_MAX = 64
REASON_LEAST, REASON_MAX = 5, 200
ON_ITS_WAY = ("requested", "approved", "sent", "received")

# Gives the order to a concentrator: (number, arguments, what it is for a person) -> its command.
Give = Callable[[Place, bytes, str], Awaitable[int]]


class ConfigurationRefused(Exception):
    """A configuration is not sent, or a setting not taken: a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A concentrator's configuration as it is wanted and as it is. `in_force` None: the one in its
    own file. `changes` are those from what is in force to `parts`.
    """

    place: Place
    parts: Parts
    faults: Faults
    in_force: Version | None
    versions: list[Version]
    changes: list[Change]
    settings: dict[str, Any]

    @property
    def on_its_way(self) -> Version | None:
        """The newest version, where nobody knows yet what became of it."""
        newest = self.versions[0] if self.versions else None
        return newest if newest is not None and newest.state in ON_ITS_WAY else None

    @property
    def refused(self) -> Version | None:
        """The newest version, where it was not taken."""
        newest = self.versions[0] if self.versions else None
        return newest if newest is not None and newest.state in (
            "failed", "expired", "unknown") else None


@dataclass(frozen=True, slots=True)
class OfMeter:
    """A meter's part of its concentrator's configuration. `wanted` None: it is to be left out;
    `reported` None: what is in force does not name it. `number` is the configuration's that `state`
    speaks of: in force, on its way, refused, to be sent, to be mended.
    """

    state: str
    number: int | None
    told: str
    wanted: dict[str, Any] | None
    reported: dict[str, Any] | None


def of_meter(twin: Twin, serial: str) -> OfMeter:
    """How a meter's configuration stands."""
    def found(parts: Parts | None) -> dict[str, Any] | None:
        return next((m for m in (parts or {}).get("meter", []) if m["serial"] == serial), None)

    def at(parts: Parts | None) -> tuple[object, object]:
        own = found(parts)
        return own, None if own is None or "period_s" in own else (parts or {}).get("schedule")
    force, way, newest = twin.in_force, twin.on_its_way, twin.refused
    in_force = None if force is None else force.parts
    reported = found(in_force)
    wanted = found(twin.parts)
    if at(in_force) == at(twin.parts):
        return OfMeter("in force", force.number if force and reported else None, "", wanted,
                       reported)
    if way is not None and at(way.parts) == at(twin.parts):
        return OfMeter("on its way", way.number, "", wanted, reported)
    if newest is not None and at(newest.parts) == at(twin.parts):
        return OfMeter("refused", newest.number, newest.told or newest.state, wanted, reported)
    if twin.faults:
        return OfMeter("to be mended", None, "%s: wanted %s, got %s" % twin.faults[0], wanted,
                       reported)
    return OfMeter("to be sent", None, "", wanted, reported)


async def twin_of(connection: Connection, reach: Reach, device_id: bytes) -> Twin | None:
    """The twin; None where there is no such concentrator in reach."""
    one = await store.place(connection, reach, device_id)
    return None if one is None else await _twin(connection, reach, one)


async def _twin(connection: Connection, reach: Reach, one: Place) -> Twin:
    parts, faults = compose(await store.wanted(connection, reach.tenant_id, one))
    in_force = await store.in_force(connection, one.concentrator_id)
    return Twin(
        one, parts, faults, in_force,
        await store.versions(connection, one.concentrator_id, VERSIONS_MAX),
        differences({} if in_force is None else in_force.parts, parts),
        await store.setting(connection, reach.tenant_id, "concentrator", one.device_id.hex()))


async def send(
        connection: Connection, reach: Reach, actor: Actor, device_id: bytes, reason: str,
        give: Give) -> int | None:
    """Send what is wanted; its number, or None where there is no such concentrator in reach.

    Raises ConfigurationRefused.
    """
    reason = _checked(reason)
    one = await store.place(connection, reach, device_id)
    if one is None:
        return None
    if one.is_planned:
        raise ConfigurationRefused("%s is planned: this goes with the grant, as soon as a claim for"
                                   " it comes in." % one.name)
    await store.lock(connection, one.concentrator_id)
    twin = await _twin(connection, reach, one)
    if twin.faults:
        raise ConfigurationRefused("%s: wanted %s, got %s. Nothing was sent." % twin.faults[0])
    if not twin.changes:
        raise ConfigurationRefused("It is in force already: nothing would change.")
    way = twin.on_its_way
    if way is not None and way.digest == Configuration(1, twin.parts).digest:
        raise ConfigurationRefused("Configuration %d is the same, and on its way." % way.number)
    return await _send(connection, actor, twin, reason, give)


async def _send(
        connection: Connection, actor: Actor, twin: Twin, reason: str, give: Give) -> int:
    number = await store.next_number(connection, twin.place.concentrator_id)
    wanted = Configuration(number, twin.parts)
    shown = "configuration %d" % number
    command = await give(twin.place, encode_configuration(wanted), shown)
    await store.add(
        connection, twin.place.concentrator_id, number=number, parts=twin.parts,
        digest=wanted.digest, made_by=actor.name, reason=reason, command_id=command)
    await note(connection, actor, acts.CONFIGURATION_SENT, twin.place.device_id.hex(),
               number=str(number), reason=reason, changes=str(len(twin.changes)))
    return number


async def send_to_group(
        connection: Connection, reach: Reach, actor: Actor, group: str, reason: str, give: Give,
) -> tuple[int, list[tuple[Place, str]]]:
    """Send to every concentrator of a group for which something changes: how many, and those that
    have faults, with the first of them. Raises ConfigurationRefused.
    """
    reason = _checked(reason)
    sent, left = 0, []
    for one in await store.members(connection, reach, group, MEMBERS_MAX):
        await store.lock(connection, one.concentrator_id)
        twin = await _twin(connection, reach, one)
        if twin.faults:
            left.append((one, "%s: wanted %s, got %s" % twin.faults[0]))
        elif twin.changes and twin.on_its_way is None and not one.is_planned:
            await _send(connection, actor, twin, reason, give)
            sent += 1
    return sent, left


async def change_settings(
        connection: Connection, reach: Reach, actor: Actor, scope: str, name: str,
        settings: dict[str, Any]) -> None:
    """Say what a group, a concentrator or a meter has. Raises ConfigurationRefused."""
    if scope not in NUMBERS:
        raise ConfigurationRefused("Settings are of a group, a concentrator or a meter.")
    said = settings_faults(scope, settings)
    if said:
        raise ConfigurationRefused("; ".join(said) + ".")
    await _check_name(connection, reach, scope, name)
    before = await store.setting(connection, reach.tenant_id, scope, name)
    await store.say(connection, reach.tenant_id, scope, name, settings, actor.name)
    await note(connection, actor, acts.CONFIGURATION_SET, "%s %s" % (scope, name),
               before=_text(before), after=_text(settings))


async def join_group(
        connection: Connection, reach: Reach, actor: Actor, device_id: bytes, group: str | None,
) -> bool:
    """Put a concentrator into a group, or into none; False where there is none such in reach.

    Raises ConfigurationRefused.
    """
    one = await store.place(connection, reach, device_id)
    if one is None:
        return False
    known = [found.name for found in await store.groups(connection, reach.tenant_id)]
    if group is not None and group not in known:
        raise ConfigurationRefused("There is no group %s." % group)
    await store.join_group(connection, one.concentrator_id, group)
    await note(connection, actor, acts.CONFIGURATION_SET, one.device_id.hex(),
               group_before=one.group or "", group=group or "")
    return True


def _checked(reason: str) -> str:
    said = " ".join(reason.split())
    if not (REASON_LEAST <= len(said) <= REASON_MAX and said.isprintable()):
        raise ConfigurationRefused("Say why, in %d..%d characters: it is kept." % (
            REASON_LEAST, REASON_MAX))
    return said


async def _check_name(connection: Connection, reach: Reach, scope: str, name: str) -> None:
    if scope == "group":
        if reach.site_id is not None:
            raise ConfigurationRefused("Groups are of the whole tenant.")
        if not (0 < len(name) <= NAME_MAX and name.isprintable()):
            raise ConfigurationRefused("A group's name has 1..%d printable characters." % NAME_MAX)
        return
    if scope == "meter":
        is_there = await store.meter_is_there(connection, reach, name)
    else:
        is_there = len(name) == 16 and set(name) <= set("0123456789abcdef") and (
            await store.place(connection, reach, id_from_text(name)) is not None)
    if not is_there:
        raise ConfigurationRefused("There is no %s %s." % (scope, name))


def _text(settings: dict[str, Any]) -> str:
    return ", ".join(["%s %s" % (name, settings[name]) for name in sorted(settings)])
