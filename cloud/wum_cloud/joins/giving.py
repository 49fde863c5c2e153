"""Orders of configurations: what joins two rooms that know nothing of one another.

Left out: what a configuration is (configuration/), and how an order is signed and sent (commands/).
"""

import secrets
from datetime import UTC, datetime, timedelta

from wum_cloud.commands import store
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.store import New, Target, Terms
from wum_cloud.configuration.store import Place
from wum_cloud.configuration.twin import Give
from wum_cloud.database import Connection
from wum_cloud.enrolment.trust.documents import newest_document
from wum_cloud.registry.reach import Reach
from wum_shared.orders import CONFIGURE, ORDER_ID_SIZE, WINDOW_MAX_S


def giving(connection: Connection, reach: Reach, person: str, reason: str) -> Give:
    """What gives the order to one concentrator; it waits a week for it. Raises CommandRefused."""

    async def give(place: Place, arguments: bytes, shown: str) -> int:
        document = await newest_document(connection)
        if document is None or document.order_secret_sealed is None:
            raise CommandRefused("No trust document names a key for orders yet: run `wum-cloud "
                                 "trust ROOT.KEY` once.")
        now = datetime.now(UTC)
        _, numbers = await store.add(
            connection, Terms(reach.tenant_id, " ".join(reason.split()), person, False, now,
                              now + timedelta(seconds=WINDOW_MAX_S)),
            [New(Target(place.concentrator_id, place.device_id, None, ""),
                 secrets.token_bytes(ORDER_ID_SIZE), CONFIGURE, arguments, shown)])
        return numbers[0]
    return give
