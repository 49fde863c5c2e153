"""What a relay is told when it starts."""

from collections import namedtuple

from wum_edge.mesh.airtime import Modulation


class Setting(namedtuple("Setting", ("address", "is_gateway", "ways", "duty_permyriad"))):
    """`ways`: modulations by rate; rate 0 is the one that everybody listens to."""

    __slots__ = ()
    address: int
    is_gateway: bool
    ways: list[Modulation]
    duty_permyriad: int
