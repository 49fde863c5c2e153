"""What a receipt says of one command: of a group's order, what became of its meter. Pure."""

from wum_cloud.commands.sending.store import Asked
from wum_shared import orders
from wum_shared.errors import WireError
from wum_shared.groups import decode_results
from wum_shared.orders import Receipt


def of_meter(receipt: Receipt, asked: Asked) -> Receipt:
    """The receipt as it is meant for this command.

    The concentrator tells of each meter that it counts to the group, so one that it does not name
    was not touched. Without results its word is of all alike.
    """
    if asked.to_group is None or not receipt.content:
        return receipt
    try:
        results = {one.serial: one for one in decode_results(receipt.content)}
    except WireError:
        return receipt._replace(content=b"")       # Signed, and not understood: as a whole.
    found = results.get(asked.serial or "")
    if found is None:
        return receipt._replace(
            state=orders.FAILED, reason=orders.CANNOT, content=b"",
            note="the concentrator does not count this meter to the group")
    return receipt._replace(
        state=found.state, reason=found.reason, note=found.note, content=b"")
