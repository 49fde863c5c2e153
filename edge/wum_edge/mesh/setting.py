"""What a relay is told when it starts."""

from collections import namedtuple

from wum_edge.mesh.airtime import WIRE, Modulation

_DEAR_PERMYRIAD = 100


class Setting(namedtuple("Setting", ("address", "is_gateway", "ways", "duty_permyriad"))):
    """`ways`: modulations by rate; rate 0 is the one that everybody listens to; airtime.WIRE, if
    there is such a port, is the last."""

    __slots__ = ()
    address: int
    is_gateway: bool
    ways: list[Modulation]
    duty_permyriad: int

    @property
    def wire(self) -> int:
        """The rate that is no radio but UDP; -1 where there is none."""
        return len(self.ways) - 1 if self.ways[-1] == WIRE else -1

    @property
    def is_dear(self) -> bool:
        """Whether the law leaves no more than a hundredth of the time: a gateway's polls are what
        there is least of then, and nothing else is said that can be spared.
        """
        return self.duty_permyriad <= _DEAR_PERMYRIAD
