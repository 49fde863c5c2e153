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
# Who hears whom by radio: signal to noise in dB; SF7 needs -7.5.
HEARS = {(1, 2): 6, (1, 3): 4, (2, 3): 2, (3, 4): 12, (2, 4): -4}
_GATEWAYS = (1, 2)
_WIRED = ((1, 3),)


@dataclass(frozen=True, slots=True)
class MeshPlace:
    """One concentrator's place. `udp`: its own port and those of its neighbours; 0: it has none."""

    is_gateway: bool
    udp: int = 0
    peers: tuple[int, ...] = ()

    def register(self) -> list[str]:
        """Arguments of wum-cloud register."""
        return ["--mesh", NAME, "--carries" if self.is_gateway else "--no-carries"]

    def tables(self, modem: Path) -> list[tuple[str, dict[str, object]]]:
        """Of its configuration."""
        role = "gateway" if self.is_gateway else "station"
        found: list[tuple[str, dict[str, object]]] = [
            ("mesh", {"role": role, "report_s": REPORT_S}),
            ("mesh.modem", {"kind": "rui3", "port": str(modem)}),
        ]
        if self.udp:
            peers = [f"127.0.0.1:{port}" for port in self.peers]
            found.append(("mesh.udp", {"listen": f"127.0.0.1:{self.udp}", "peers": peers}))
        return found


def places(count: int) -> dict[int, MeshPlace]:
    """The places of concentrators 1..count."""
    ports = {number: free_port() for pair in _WIRED for number in pair if max(pair) <= count}
    return {
        number: MeshPlace(
            number in _GATEWAYS,
            ports.get(number, 0),
            tuple(
                ports[sum(pair) - number]
                for pair in _WIRED
                if number in pair and number in ports
            ),
        )
        for number in range(1, count + 1)
    }


def air(modems: list[Path], control: Path) -> list[str]:
    """Arguments of wum-simulator: the modems and the air between them."""
    words = ["air", "--control", str(control)]
    for modem in modems:
        words += ["--link", str(modem)]
    for (one, other), decibels in HEARS.items():
        if max(one, other) <= len(modems):
            words += ["--hears", f"{one}-{other}={decibels}"]
    return words
