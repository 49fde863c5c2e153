"""What the head-end says beside acknowledgements and gap requests: genuine, ours, and heard once.

Left out: what it means (each stream's own listener). What is refused is told once of each reason:
anybody who may publish can cause it at will.
"""

from wum_edge.log import Log
from wum_edge.uplink.keys import Keys
from wum_shared import cose
from wum_shared.cipher import Cipher
from wum_shared.errors import WireError
from wum_shared.topics import DOWN

HEARD_MAX = 256              # Counters remembered of each stream, since the start.
STREAMS_MAX = 8


class Opening:
    """One concentrator's side of the seal, downwards. While keys change, both are good."""

    def __init__(self, cipher: Cipher, keys: Keys, log: Log) -> None:
        self.counts = {"not genuine": 0, "foreign": 0, "heard before": 0}
        self._cipher, self._keys, self._before, self._log = cipher, keys, keys, log
        self._heard: dict[str, list[int]] = {}

    def rekey(self, keys: Keys) -> None:
        """Take what is sealed with these, too; of the keys so far only the newest stay."""
        self._before, self._keys = self._keys, keys

    def open(self, stream: str, sealed: bytes) -> bytes | None:
        """What was sealed for us on this stream; None: it is refused."""
        keys, failure = self._keys, ""
        try:
            concentrator, epoch, counter = cose.peek(sealed)
            if epoch == self._before.epoch:
                keys = self._before
            if (concentrator, epoch) != (keys.concentrator, keys.epoch):
                self._refuse("foreign", stream, "of another concentrator or epoch")
                return None
            opened = cose.unseal(self._cipher, keys.downlink, sealed, DOWN, keys.tenant, stream)
            if self._is_first(stream, counter << 16 | epoch):
                return opened
            self._refuse("heard before", stream, "counter %d" % counter)
        except WireError as error:
            failure = str(error)
        if failure:
            self._refuse("not genuine", stream, failure)
        return None

    def _is_first(self, stream: str, counter: int) -> bool:
        heard = self._heard.get(stream, [])
        if counter in heard:
            return False
        if stream in self._heard or len(self._heard) < STREAMS_MAX:
            self._heard[stream] = heard[1 - HEARD_MAX:] + [counter]
        return True

    def _refuse(self, reason: str, stream: str, why: str) -> None:
        self.counts[reason] += 1
        if self.counts[reason] == 1:
            self._log.warn("a message on %s is refused, %s: %s" % (stream, reason, why))
