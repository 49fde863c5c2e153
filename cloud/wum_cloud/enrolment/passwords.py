"""Concentrators' passwords at the broker, changed without a visit: with the answer to an opening.

Both sides hold two while one follows the other. The head-end lets the new one in when keys of the
epoch that brought it were used, for then it has arrived; until then the same one is given again.
The concentrator tries the new one, then the one before. Left out: SQL (claims/store.py).
"""

import secrets

from wum_cloud.audit.acts import PASSWORDS_DUE, at_the_machine
from wum_cloud.audit.store import note
from wum_cloud.database import Connection, connect
from wum_cloud.enrolment.claims import store
from wum_cloud.enrolment.claims.claiming import ClaimRefused
from wum_cloud.registry.keys import Vault
from wum_cloud.registry.registration import mosquitto_hash
from wum_cloud.registry.sites.store import tenant_named

PASSWORD_DAYS = 30
_PASSWORD_BYTES = 24


async def next_password(
        connection: Connection, vault: Vault, known: store.Member, epoch: int) -> str | None:
    """The password that goes with the answer to this opening; None where the present one stays."""
    await store.confirm_password(connection, known.concentrator_id)
    place = "next broker password of concentrator %d" % known.concentrator_id
    waiting = await store.waiting_password(connection, known.concentrator_id)
    if waiting is not None:
        return vault.open_text(place, waiting)
    if not await store.is_password_due(connection, known.concentrator_id, PASSWORD_DAYS):
        return None
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    await store.save_next_password(
        connection, known.concentrator_id, epoch, vault.seal_text(place, password),
        mosquitto_hash(password, secrets.token_bytes(12)))
    return password


async def make_due(database_url: str, tenant: str) -> int:
    """`wum-cloud new-passwords`; returns its exit code. Raises ClaimRefused."""
    async with await connect(database_url) as connection:
        number = await tenant_named(connection, tenant)
        if number is None:
            raise ClaimRefused("There is no tenant called %s." % tenant)
        count = await store.make_passwords_due(connection, number)
        await note(connection, at_the_machine(number), PASSWORDS_DUE, str(count))
    print("%d concentrators get a new password at the broker with their next epoch, within a day. "
          "Those that the workbench made keep theirs." % count)
    return 0
