"""Who this concentrator is to its head-end, and the keys of both directions. A port reads them."""

from collections import namedtuple

from wum_shared import cose
from wum_shared.messages import DirectionKey


class Keys(namedtuple("Keys", ("concentrator", "tenant", "epoch", "uplink", "downlink"))):
    """Id (8 bytes), tenant (id-text), epoch of the keys (0..65535), a key for each direction."""

    __slots__ = ()
    concentrator: bytes
    tenant: str
    epoch: int
    uplink: DirectionKey
    downlink: DirectionKey

    @property
    def key_id(self) -> bytes:
        """What names these keys in every sealed message."""
        return cose.key_id(self.concentrator, self.epoch)
