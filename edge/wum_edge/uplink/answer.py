"""What comes from the broker: is it genuine, is it ours, was it heard before.

Left out: which batch an acknowledgement speaks of and what it moves (delivery.py), what is asked
for (gaps.py).
"""

from wum_edge.uplink.keys import Keys
from wum_shared import cose
from wum_shared.cipher import Cipher
from wum_shared.errors import WireError
from wum_shared.gaps import GapRequest, decode_gap_request
from wum_shared.messages import Acknowledgement, decode_acknowledgement
from wum_shared.topics import ACKNOWLEDGEMENT, DOWN, REQUEST

HEARD_MAX = 256               # Downlink counters remembered; more than two windows of resends.

# Why one is refused. Each is counted by itself.
NOT_GENUINE = "not genuine"
FOREIGN = "of another concentrator or archive"
REPLAYED = "heard before"
WRONG_DIGEST = "of another batch with these numbers"
LATE = "of no batch in flight"       # Usual after a restart: no reason for an event.
REASONS = (NOT_GENUINE, FOREIGN, REPLAYED, WRONG_DIGEST, LATE)


class AnswerRefused(Exception):
    """This message moves nothing. `reason` is one of REASONS."""

    def __init__(self, reason: str, text: str, what: str = "acknowledgement") -> None:
        super().__init__("%s refused, %s: %s" % (what, reason, text))
        self.reason = reason
        self.is_request = what != "acknowledgement"


class Answers:
    """Opens acknowledgements and gap requests, each counter of the head-end once.

    After new keys were put in force those before them stay good for what is on its way down: the
    head-end answers a batch with the keys of the epoch that it was sealed in.
    """

    def __init__(self, cipher: Cipher, keys: Keys, incarnation: bytes) -> None:
        self._cipher = cipher
        self._keys = keys
        self._before = keys
        self._incarnation = incarnation
        self._heard: list[int] = []      # Counter and epoch in one number.
        self._asked: list[int] = []      # The same of requests, which come far more seldom.

    def rekey(self, keys: Keys) -> None:
        """Take what is sealed with these, too; of the keys so far only the newest stay."""
        self._before, self._keys = self._keys, keys

    def _named(self, concentrator: bytes, epoch: int) -> Keys | None:
        for keys in (self._keys, self._before):
            if (concentrator, epoch) == (keys.concentrator, keys.epoch):
                return keys
        return None

    def open(self, sealed: bytes) -> Acknowledgement:
        """The acknowledgement in `sealed`. Raises AnswerRefused."""
        failure = ""
        try:
            concentrator, epoch, counter = cose.peek(sealed)
            keys = self._named(concentrator, epoch)
            if keys is not None:
                return self._checked(counter << 16 | epoch, decode_acknowledgement(cose.unseal(
                    self._cipher, keys.downlink, sealed, DOWN, keys.tenant, ACKNOWLEDGEMENT)))
        except WireError as error:
            failure = str(error)
        if failure:
            raise AnswerRefused(NOT_GENUINE, failure)
        raise AnswerRefused(FOREIGN, "its key is that of another concentrator or epoch")

    def _checked(self, counter: int, ack: Acknowledgement) -> Acknowledgement:
        if ack.concentrator != self._keys.concentrator:
            raise AnswerRefused(FOREIGN, "it names another concentrator")
        if ack.incarnation != self._incarnation:
            raise AnswerRefused(FOREIGN, "it names another archive")
        if counter in self._heard:
            raise AnswerRefused(REPLAYED, "counter %d" % (counter >> 16))
        self._heard = self._heard[1 - HEARD_MAX:] + [counter]
        return ack

    def request(self, sealed: bytes) -> GapRequest:
        """The gap request in `sealed`. Raises AnswerRefused."""
        what, failure = "gap request", ""
        try:
            concentrator, epoch, counter = cose.peek(sealed)
            keys = self._named(concentrator, epoch)
            if keys is not None:
                counter = counter << 16 | epoch
                request = decode_gap_request(cose.unseal(
                    self._cipher, keys.downlink, sealed, DOWN, keys.tenant, REQUEST))
                if request.concentrator != keys.concentrator:
                    raise AnswerRefused(FOREIGN, "it names another concentrator", what)
                if counter in self._asked:
                    raise AnswerRefused(REPLAYED, "counter %d" % (counter >> 16), what)
                self._asked = self._asked[1 - HEARD_MAX:] + [counter]
                return request
        except WireError as error:
            failure = str(error)
        if failure:
            raise AnswerRefused(NOT_GENUINE, failure, what)
        raise AnswerRefused(FOREIGN, "its key is that of another concentrator or epoch", what)
