"""The key of a mesh's network, as the head-end hands it to each station: sealed for that one alone.

It is the argument of an order "change the network's key", sealed once more with the station's
downlink key, so that what is kept of the order opens nothing. It says what holds from then on, not
what is to be done: to hear it twice changes nothing. Left out: the stations' side
(wum_edge/orders/network_key.py), what frames are sealed with (wum_edge/mesh/keys.py). Layout:
contract.cddl.
"""

from collections import namedtuple

from wum_shared import cbor, fields
from wum_shared.errors import Malformed
from wum_shared.ids import CONCENTRATOR_SIZE
from wum_shared.messages import versioned
from wum_shared.orders import ARGUMENTS_MAX

NETWORK_KEY_SIZE = 16
EPOCH_MAX = 0xFFFFFFFF
SHUT_OUT_MAX = 1000          # As many as a gateway's list of guests has.


class NetworkKey(namedtuple("NetworkKey", ("network", "epoch", "key", "is_only", "shut_out"))):
    """The key of `epoch`. Beside it that of the epoch before is good, unless it `is_only`.
    `shut_out`: concentrators (8 bytes each) to which no gateway gives a key of this network.
    """

    __slots__ = ()
    network: int
    epoch: int
    key: bytes
    is_only: bool
    shut_out: tuple[bytes, ...]

    def __repr__(self) -> str:
        return "NetworkKey(%04x, epoch %d)" % (self.network, self.epoch)


def encode_network_key(given: NetworkKey) -> bytes:
    """To be sealed. Raises Malformed for what `decode_network_key` refuses."""
    data = cbor.encode([fields.VERSION, given.network, given.epoch, given.key, given.is_only,
                        list(given.shut_out)])
    decode_network_key(data)
    return data


def decode_network_key(data: bytes) -> NetworkKey:
    """What a station is given. Raises Malformed, Unsupported."""
    parts = versioned(data, 6, "network key", ARGUMENTS_MAX)
    if type(parts[4]) is not bool:
        raise Malformed("network key is-only: wanted a truth value, got %s" % (
            fields.shown(parts[4])))
    shut_out = [fields.octets(one, CONCENTRATOR_SIZE, "network key shut-out")
                for one in fields.items(parts[5], SHUT_OUT_MAX, "network key shut-out")]
    fields.unlike(list(shut_out), "network key shut-out")
    return NetworkKey(
        fields.number(parts[1], 1, 0xFFFF, "network key network"),
        fields.number(parts[2], 1, EPOCH_MAX, "network key epoch"),
        fields.octets(parts[3], NETWORK_KEY_SIZE, "network key"), parts[4], tuple(shut_out))
