"""When an order by which the head-end itself tells something is given once more, as it failed.

Left out: what it tells (membership/, network_keys/), and sending one order again (turns.py).
"""

from wum_cloud.commands.sending import store
from wum_cloud.database import Connection
from wum_shared import orders
from wum_shared.orders import Receipt

AGAIN_S = 3600               # After an order that the station cannot carry out as it is.
# After one that power or a restart cut off before it was begun: nothing is wrong with it, and a
# gateway that it would have ended is not made to start again and again without a pause.
CUT_AGAIN_S = 30


async def when(connection: Connection, command_id: int, receipt: Receipt,
               epoch: int) -> tuple[int, int | None]:
    """(after how many seconds, with keys of which epoch; None: of the newest). `epoch` is that of
    the receipt: who has forgotten the keys of the order is told at once, with those that he has.
    """
    if receipt.reason == orders.ARGUMENTS and (
            epoch != await store.sealed_in(connection, command_id)):
        return 0, epoch
    return CUT_AGAIN_S if receipt.reason == orders.CUT_BEFORE else AGAIN_S, None
