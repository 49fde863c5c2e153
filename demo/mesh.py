"""The street's mesh: two concentrators with an uplink, and two that have none of their own.

The third reaches the first by UDP, as over the house's Wi-Fi, and by radio; the fourth hears the
third well by radio, and the second faintly: that is its way when the third is gone. One route goes
over radio and UDP both.
"""

from dataclasses import dataclass
from pathlib import Path

from demo.loopback import free_port

NETWORK = "street.mesh"
NAME = "street"
REPORT_S = 15
STANDBY_AFTER_S = 5
# Who hears whom by radio: signal to noise in dB; SF7 needs -7.5.
HEARS = {(1, 2): 6, (1, 3): 4, (2, 3): 2, (3, 4): 12, (2, 4): -4}
_GATEWAYS = (1, 2)
_WIRED = ((1, 3),)


@dataclass(frozen=True, slots=True)
class MeshPlace:
    """One concentrator's place: gateway, standby or station. `udp`: its own port and those of its
    neighbours; 0: it has none. `has_chip`: a board, whose radio is no modem of its own.
    """

    role: str
    udp: int = 0
    peers: tuple[int, ...] = ()
    has_chip: bool = False

    @property
    def has_uplink(self) -> bool:
        return self.role != "station"

    def register(self) -> list[str]:
        """Arguments of wum-cloud register."""
        return ["--mesh", NAME, "--carries" if self.has_uplink else "--no-carries"]

    def tables(self, modem: Path) -> list[tuple[str, dict[str, object]]]:
        """Of its configuration."""
        own: dict[str, object] = {"role": self.role, "report_s": REPORT_S}
        if self.role == "standby":
            own["standby_after_s"] = STANDBY_AFTER_S
        found: list[tuple[str, dict[str, object]]] = [
            ("mesh", own),
            (
                "mesh.modem",
                {"kind": "sx126x", "port": "spi:1"}
                if self.has_chip
                else {"kind": "rui3", "port": str(modem)},
            ),
        ]
        if self.udp:
            peers = [f"127.0.0.1:{port}" for port in self.peers]
            found.append(("mesh.udp", {"listen": f"127.0.0.1:{self.udp}", "peers": peers}))
        return found


def places(
    count: int,
    standby: tuple[int, ...] = (),
    stations: tuple[int, ...] = (),
    boards: tuple[int, ...] = (),
) -> dict[int, MeshPlace]:
    """The places of concentrators 1..count; those on `standby` and `stations` would be gateways
    otherwise; those that are `boards` have a radio, and no UDP.
    """
    ports = {
        number: free_port()
        for pair in _WIRED
        for number in pair
        if max(pair) <= count and not set(pair) & set(boards)
    }
    return {
        number: MeshPlace(
            "standby"
            if number in standby
            else "gateway"
            if number in _GATEWAYS and number not in stations
            else "station",
            ports.get(number, 0),
            tuple(
                ports[sum(pair) - number]
                for pair in _WIRED
                if number in pair and number in ports
            ),
            number in boards,
        )
        for number in range(1, count + 1)
    }


def air(modems: list[Path], control: Path, boards: tuple[int, ...] = ()) -> list[str]:
    """Arguments of wum-simulator: the modems, those of `boards` as chips, and the air between
    them.
    """
    words = ["air", "--control", str(control)]
    for number in boards:
        words += ["--chip", str(number)]
    for modem in modems:
        words += ["--link", str(modem)]
    for (one, other), decibels in HEARS.items():
        if max(one, other) <= len(modems):
            words += ["--hears", f"{one}-{other}={decibels}"]
    return words
