"""When an order by which the head-end itself tells something is given once more, as it failed.

Left out: what it tells (membership/, network_keys/), and sending one order again (turns.py).
"""

from wum_cloud.commands.sending import store
from wum_cloud.database import Connection
from wum_shared import orders
from wum_shared.orders import Receipt

AGAIN_S = 3600               # After an order that failed for another reason than its keys.


async def when(connection: Connection, command_id: int, receipt: Receipt,
               epoch: int) -> tuple[int, int | None]:
    """(after how many seconds, with keys of which epoch; None: of the newest). `epoch` is that of
    the receipt: who has forgotten the keys of the order is told at once, with those that he has.
    """
    if receipt.reason == orders.ARGUMENTS and (
            epoch != await store.sealed_in(connection, command_id)):
        return 0, epoch
    return AGAIN_S, None
