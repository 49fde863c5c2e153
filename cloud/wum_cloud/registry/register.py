"""`wum-cloud register FILE`: takes what `wum-firmware provision` wrote into the database."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import available_timezones

from wum_cloud.audit.acts import CONCENTRATOR_REGISTERED, at_the_machine
from wum_cloud.audit.store import note
from wum_cloud.database import Connection
from wum_cloud.registry import store
from wum_cloud.registry.cipher import SodiumVerifier
from wum_cloud.registry.keys import Vault
from wum_cloud.registry.registration import (
    RegistrationRefused,
    mosquitto_hash,
    open_registration,
)
from wum_shared.cose import SIGNED_BYTES_MAX
from wum_shared.messages import Registration

NAME_MAX = 64  # Characters of a name of a concentrator or site.


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person says about the concentrator; None leaves as it is, or to the default."""

    name: str | None = None
    site: str | None = None
    time_zone: str | None = None    # IANA name, for the site
    mesh: str | None = None         # Those of one mesh are carried by those that --carries.
    carries: bool | None = None


async def register(
        connection: Connection, vault: Vault, file: Path, wishes: Wishes) -> tuple[bytes, str]:
    """Register the concentrator of `file`; return its id and its tenant.

    The same file may come again: keys and wishes are updated, readings and counters stay. Keys and
    password that have changed by themselves since stay as they are.
    Raises RegistrationRefused with a sentence.
    """
    registration = open_registration(_content(file), SodiumVerifier())
    _check(wishes)
    async with connection.transaction():
        await _save(connection, vault, registration, wishes)
    return registration.concentrator, registration.tenant


async def _save(
        connection: Connection, vault: Vault, registration: Registration, wishes: Wishes) -> None:
    before = await store.tenant_of(connection, registration.concentrator)
    if before not in (None, registration.tenant):
        raise RegistrationRefused(
            "Concentrator %s belongs to tenant %s, and the file says %s: a concentrator is not "
            "moved between tenants." % (
                registration.concentrator.hex(), before, registration.tenant))
    tenant = await store.tenant_id(connection, registration.tenant)
    if wishes.name is not None and await store.name_is_taken(
            connection, tenant, wishes.name, registration.concentrator):
        raise RegistrationRefused(
            "Another concentrator is called %r already: choose another --name." % wishes.name)
    site = None if wishes.site is None else await store.site_id(
        connection, tenant, wishes.site, wishes.time_zone)
    # Who has changed keys and password since does not get the first ones back.
    in_force = await store.password_since(connection, registration)
    concentrator_id = await store.save_concentrator(
        connection, registration, tenant=tenant, name=wishes.name, site=site,
        password_hash=in_force or mosquitto_hash(
            registration.broker_password, secrets.token_bytes(12)))
    if wishes.mesh is not None or wishes.carries is not None:
        await store.save_mesh(connection, concentrator_id, wishes.mesh, wishes.carries)
    if in_force is None:
        await store.save_keys(
            connection, concentrator_id, registration.epoch,
            vault.seal(registration.concentrator, registration.epoch,
                       registration.uplink, registration.downlink))
    await note(connection, at_the_machine(tenant), CONCENTRATOR_REGISTERED,
               registration.concentrator.hex(), epoch=str(registration.epoch))


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(SIGNED_BYTES_MAX + 1)
    except OSError as error:
        raise RegistrationRefused("%s cannot be read: %s." % (file, error.strerror)) from error
    if len(content) > SIGNED_BYTES_MAX:
        raise RegistrationRefused(
            "%s is not a registration file: it is longer than %d bytes." % (
                file, SIGNED_BYTES_MAX))
    return content


def _check(wishes: Wishes) -> None:
    for what, text in (("--name", wishes.name), ("--site", wishes.site),
                       ("--mesh", wishes.mesh)):
        if text is not None and not (0 < len(text) <= NAME_MAX and text.isprintable()):
            raise RegistrationRefused(
                "%s is %r: wanted 1..%d printable characters." % (what, text, NAME_MAX))
    if wishes.time_zone is not None:
        if wishes.site is None:
            raise RegistrationRefused("--time-zone is a site's: say which with --site.")
        if wishes.time_zone not in available_timezones():
            raise RegistrationRefused(
                "--time-zone is %r: wanted an IANA name such as Europe/Chisinau."
                % wishes.time_zone)
