"""What goes through the mesh for others: objects up to a gateway, floods down to members.

Left out: the frames that it comes in (mesh.py), what is sealed in it (nobody on the way opens it).
"""

from wum_edge.carry.carriage import WAITING_MAX, Carriage, Uplink
from wum_edge.carry.envelope import DOWNWARD, UPWARD, unwrap, wrap
from wum_edge.carry.group_orders import DONE_MAX, GroupOrders
from wum_edge.carry.mesh_broker import Mesh
from wum_edge.log import Log
from wum_shared.errors import Malformed
from wum_shared.topics import parse_topic


class _Quiet(Log):
    def say(self, text: str) -> None:
        """Nobody reads it."""

    def warn(self, text: str) -> None:
        """Nobody reads it."""


class _Uplink(Uplink):
    """Takes every other message."""

    def __init__(self) -> None:
        self._asked = 0

    def session(self) -> int:
        return 1

    def hears(self, concentrator: bytes) -> bool | None:
        return True

    def publish(self, topic: str, payload: bytes) -> bool:
        parse_topic(topic)           # A name that no topic may have is a mistake of ours.
        self._asked += 1
        return bool(self._asked & 1)

    def also_hear(self, concentrator: bytes, is_wanted: bool) -> None:
        """Whatever it is called, it has eight bytes."""
        assert len(concentrator) == 8


class _Mesh(Mesh):
    def send_down(self, address: int, content: bytes) -> bool:
        return False

    def let_in(self, is_open: bool) -> None:
        """It may or may not."""


def run(data: bytes) -> None:
    """As an object of either direction, as many of them, and as floods to a group."""
    for streams in (UPWARD, DOWNWARD):
        try:
            concentrator, stream, sealed = unwrap(streams, data)
        except Malformed:
            continue             # The one way in which it may refuse.
        assert unwrap(streams, wrap(streams, concentrator, stream, sealed)) == (
            concentrator, stream, sealed)
    carriage = Carriage(b"ourselve", _Uplink(), _Mesh(), _Quiet())
    orders = GroupOrders(lambda number, payload, is_late: None, _Quiet())
    at = 0
    while at < len(data):
        piece = data[at + 1:at + 1 + data[at]]
        at += 1 + len(piece)
        carriage.delivered(len(piece), piece, at)
        carriage.tick(at)
        orders.arrived(1, len(piece), piece)
        orders.due(1, len(piece), bool(at & 1))
    assert carriage.waiting <= WAITING_MAX
    assert len(orders._done) <= DONE_MAX
