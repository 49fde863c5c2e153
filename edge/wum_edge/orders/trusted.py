"""Whose orders a concentrator takes, and under which keys they come.

Portable. Left out: where the keys come from (a port reads them), groups' membership (an order).
"""

from wum_edge.uplink.keys import Keys
from wum_shared import cose, orders
from wum_shared.cipher import Cipher, Verifier
from wum_shared.consent import consenting
from wum_shared.errors import NotGenuine
from wum_shared.messages import DirectionKey
from wum_shared.orders import Order
from wum_shared.session import Piece, open_piece
from wum_shared.topics import DOWN, GROUPS, NETWORK_KEY, SESSION


class Trusted:
    """Keys of the present epoch and of the one before, order keys of the trust document, keys of
    its groups.

    `groups` are by id; each has the epoch of its key, and the key. `consents` of different
    `approvers` let an order go above the cap; 0: nothing does.
    """

    def __init__(self, cipher: Cipher, verifier: Verifier, keys: Keys,
                 order_keys: tuple[bytes, ...], approvers: tuple[bytes, ...] = (),
                 consents: int = 0) -> None:
        self.keys = keys
        self.order_keys = order_keys
        self.approvers, self.consents = approvers, consents
        self._before = keys
        self.groups: dict[bytes, tuple[int, DirectionKey]] = {}
        self.rolls: tuple[bytes, ...] = ()       # Rolls that we stand on: orders to them are ours.
        self._cipher = cipher
        self._verifier = verifier

    def rekey(self, keys: Keys, order_keys: tuple[bytes, ...], approvers: tuple[bytes, ...] = (),
              consents: int = 0) -> None:
        """Take what is sealed with these, too; of the keys so far only the newest stay. Order keys
        are those of the newest document and no other: it names the one before while it is good.
        Approvers are its own."""
        self._before, self.keys, self.order_keys = self.keys, keys, order_keys
        self.approvers, self.consents = approvers, consents

    def consented(self, signed: bytes, order: Order) -> int:
        """How many approvers have consented to this order that was opened."""
        return consenting(self._verifier, self.approvers, self.keys.concentrator, order,
                          orders.consents_of(signed))

    def unsealed(self, sealed: bytes) -> bytes:
        """The signed order, for us or for a group of ours. Raises NotGenuine, Malformed,
        Unsupported."""
        to, epoch, _ = cose.peek(sealed)
        keys = self._before if epoch == self._before.epoch else self.keys
        key = None
        if (to, epoch) == (keys.concentrator, keys.epoch):
            key = keys.downlink
        elif to in self.groups and self.groups[to][0] == epoch:
            key = self.groups[to][1]
        if key is None:
            raise NotGenuine("order: it is for another concentrator, group or epoch")
        return orders.unseal_order(self._cipher, key, keys.tenant, sealed)

    def unsealed_groups(self, sealed: bytes) -> bytes:
        """What is sealed inside an order about groups. Raises NotGenuine, Malformed, Unsupported.
        """
        return self._for_us(sealed, GROUPS)

    def unsealed_network_key(self, sealed: bytes) -> bytes:
        """What is sealed inside an order about the mesh's key. Raises NotGenuine, Malformed,
        Unsupported."""
        return self._for_us(sealed, NETWORK_KEY)

    def _for_us(self, sealed: bytes, stream: str) -> bytes:
        to, epoch, _ = cose.peek(sealed)
        keys = self._before if epoch == self._before.epoch else self.keys
        if (to, epoch) != (keys.concentrator, keys.epoch):
            raise NotGenuine("%s: it is sealed for another concentrator or epoch" % stream)
        return cose.unseal(self._cipher, keys.downlink, sealed, DOWN, keys.tenant, stream)

    def opened_piece(self, sealed: bytes) -> Piece:
        """The piece of a session that an order key signed for us. Raises NotGenuine, Malformed,
        Unsupported."""
        piece = open_piece(self._verifier, self.order_keys, self._for_us(sealed, SESSION))
        if piece.concentrator != self.keys.concentrator:
            raise NotGenuine("session: it is for another concentrator")
        return piece

    def opened_notice(self, signed: bytes) -> Order:
        """The order that one of the order keys signed, for whomever. Raises NotGenuine, Malformed,
        Unsupported."""
        return orders.open_order(self._verifier, self.order_keys, signed)

    def opened(self, signed: bytes) -> Order:
        """The order that one of the order keys signed for us, or for a group or roll of ours.

        Raises NotGenuine, Malformed, Unsupported.
        """
        order = orders.open_order(self._verifier, self.order_keys, signed)
        if (order.to != self.keys.concentrator and order.to not in self.groups
                and order.to not in self.rolls):
            raise NotGenuine("order: it is for another concentrator")
        return order
