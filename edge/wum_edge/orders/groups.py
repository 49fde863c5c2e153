"""The groups that a concentrator is in, kept on flash, and the order that says which they are.

One file, written whole: what is damaged or was torn counts as no group, so that orders to it are
nobody's until the head-end says anew who is a member. An order that is older than the one in force
changes nothing. Layout: "WUMG", format (1 byte), number of the order, memberships, CRC-32.
Portable. Left out: orders to a group (desk.py, meter_acts.py).
"""

from binascii import crc32
from struct import pack, unpack

from wum_edge.archive.flash import Flash, read_whole
from wum_edge.orders.act import Act, Refused, Result
from wum_edge.orders.trusted import Trusted
from wum_shared import orders
from wum_shared.errors import WireError
from wum_shared.groups import Membership, decode_memberships, encode_memberships
from wum_shared.orders import ARGUMENTS_MAX, Order

NAME = "groups"
_HEAD = b"WUMG\x00"
_HEAD_SIZE = len(_HEAD) + 8
_FILE_MAX = _HEAD_SIZE + ARGUMENTS_MAX + 4

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable


class Groups:
    """Memberships on `flash`; `trusted` is given their keys, `tell` the numbers a mesh calls them.
    """

    def __init__(self, flash: Flash, trusted: Trusted,
                 tell: "Callable[[list[int]], None]") -> None:
        """Take up what is kept. Raises OSError."""
        self._flash, self._trusted, self._tell = flash, trusted, tell
        self._members: list[Membership] = []
        self.number, members = _read(flash)          # Of the order that told them.
        self._take(members)

    def meters_of(self, reference: bytes) -> tuple[str, ...] | None:
        """Serials in the group and version; None where that is none of ours."""
        for one in self._members:
            if one.reference() == reference:
                return one.meters
        return None

    def opened(self, order: Order) -> list[Membership]:
        """What an order says. Raises Refused."""
        wrong = ""
        try:
            return decode_memberships(self._trusted.unsealed_groups(order.arguments))
        except WireError as error:
            wrong = str(error)
        raise Refused(orders.ARGUMENTS, wrong)

    def keep(self, number: int, members: list[Membership]) -> None:
        """These and no others from now on, durably on return. Raises OSError."""
        raw = _HEAD + pack("<Q", number) + encode_memberships(members)
        self._flash.replace(NAME, raw + pack("<I", crc32(raw)))
        self.number = number
        self._take(members)

    def _take(self, members: list[Membership]) -> None:
        self._members = members
        self._trusted.groups = {one.group: (one.version, one.key) for one in members}
        self._tell([one.number for one in members if one.number is not None])


class JoinGroups(Act):
    """The order that says which groups there are."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self._checked: tuple[int, list[Membership]] = (0, [])

    def check(self, order: Order) -> None:
        """See Act.check."""
        if order.sequence <= self._groups.number:
            raise Refused(orders.CANNOT, "a newer order says which groups there are")
        self._checked = (order.sequence, self._groups.opened(order))

    def begin(self, order: Order, done: "Callable[[Result], None]") -> None:
        """See Act.begin."""
        number, members = self._checked      # Keys may have changed since: what was opened counts.
        if number != order.sequence:
            done(Result(orders.FAILED, orders.CANNOT, "another order came between", b""))
            return
        try:
            self._groups.keep(order.sequence, members)
        except OSError as error:
            done(Result(orders.FAILED, orders.FLASH_REFUSES, str(error), b""))
            return
        done(Result(orders.DONE, orders.NO_REASON, "in %d groups" % len(members), b""))


def _read(flash: Flash) -> tuple[int, list[Membership]]:
    data = read_whole(flash, NAME, _FILE_MAX) if NAME in flash.names() else None
    if data is None or len(data) < _HEAD_SIZE + 4 or data[:len(_HEAD)] != _HEAD or (
            unpack("<I", data[-4:])[0] != crc32(data[:-4])):
        return 0, []
    try:
        return (unpack("<Q", data[len(_HEAD):_HEAD_SIZE])[0],
                decode_memberships(data[_HEAD_SIZE:-4]))
    except WireError:
        return 0, []             # Of another version of the contract.
