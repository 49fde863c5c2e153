"""The street: four concentrators with sixteen meters each, as configuration and command lines.

The third and the fourth have no uplink of their own: what they send goes through the mesh
(demo/mesh.py). Three read an RS-485 pair on which Modbus, DLMS and IEC 62056-21 meters of several
makers take turns; the fourth reads a cellar's M-Bus, and counts the pulses of two meters that have
only a contact.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from demo.clock import Clock
from demo.mesh import MeshPlace

CONCENTRATORS = 4
METERS = 16
_MODELS = ("eastron-sdm630", "chint-dtsu666", "carlo-gavazzi-em340")  # Dealt round on each bus.
# What the demo deals on its RS-485 pairs: makers and protocols side by side ... (A meter that
# changes its baud after the sign-on needs a wire that takes time, which these ptys do not.)
_MIXED = (
    *_MODELS,
    *("landis-gyr-e450", "landis-gyr-zmd120ap", "schneider-iem3000", "dlms-three-phase"),
)
# ... and on the M-Bus of the last concentrator, which is another wire: heat, gas, electricity.
_CELLAR = ("sensus-pollucom-e", "itron-cyble-gas", "minol-minocal-wr3", "berg-dz-plus")
_MAGNET = 17  # Its input: `wum-simulator contact` brings the magnet.
STATUS_S = 3
_SEED = 7
_SITE = "Strada Florilor"
_TIME_ZONE = "Europe/Chisinau"
_ARCHIVE_LIMIT_MB = 64
_BOARD_LIMIT_MB = 4
# Those that BOARDS=1 and BOARDS=2 put on a board: a gateway, and one that has no uplink.
ON_BOARDS = (2, 3)
_METER_TIMEOUT_MS = 300


@dataclass(frozen=True, slots=True)
class Input:
    """A pulse meter at an input of a cabinet; `access` is that table of its configuration."""

    model: str
    access: str = ""


_INPUTS = (
    Input("water-10-litres-pulse", f"start = 123456\nmagnet = {{input = {_MAGNET}}}\n"),
    Input("elster-a100c-pulse", "start = 4567890\n"),
)


@dataclass(frozen=True, slots=True)
class Cabinet:
    """One concentrator's folder: keys, archive, configuration, and the end of its bus.

    Of its `meters` the last are at the `inputs`, numbered from 1; `contacts` are further inputs.
    """

    number: int
    folder: Path
    meters: int
    models: tuple[str, ...] = _MODELS
    inputs: tuple[Input, ...] = ()
    contacts: tuple[int, ...] = (_MAGNET,)
    mesh: MeshPlace | None = None
    is_board: bool = False  # A virtual MicroPython board instead of `wum-edge run`.

    @property
    def wired(self) -> int:
        """How many of its meters are on the bus."""
        return self.meters - len(self.inputs)

    @property
    def name(self) -> str:
        return f"cabinet-{self.number}"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def registration(self) -> Path:
        return self.keys / "registration.cose"

    @property
    def is_settled(self) -> bool:
        """Whether it has opened an epoch: what the workbench made is gone then."""
        return (self.keys / "trusted.toml").exists() and not self.registration.exists()

    @property
    def bus(self) -> Path:
        return self.folder / "bus"

    @property
    def modem(self) -> Path:
        return self.folder / "modem"

    @property
    def control(self) -> Path:
        return self.folder / "control"

    @property
    def edges(self) -> Path:
        return self.folder / "inputs"

    @property
    def edges_control(self) -> Path:
        return self.folder / "inputs-control"

    @property
    def flash(self) -> Path:
        """Of its board."""
        return self.folder / "flash"

    def prepare_board(self, catalog: Path) -> list[str]:
        """Arguments of wum-firmware that write what a board finds on its flash."""
        words = ["board", "--keys", str(self.keys), "--config", str(self.configuration)]
        words += ["--catalog", str(catalog), "--out", str(self.flash)]
        words += ["--status-s", str(STATUS_S)]
        return [*words, "--radio", "1,cs=8,busy=13"] if self.mesh is not None else words

    def run_board(self) -> list[str]:
        """Arguments of wum-simulator: the board."""
        words = ["board", "--flash", str(self.flash), "--uart", f"1={self.bus}"]
        return [*words, "--radio", str(self.modem)] if self.mesh is not None else words

    @property
    def configuration(self) -> Path:
        return self.folder / "edge.toml"

    def addresses_of(self, model: str) -> list[int]:
        """Addresses of the meters of `model` on the bus."""
        return [address for address in range(1, self.wired + 1) if self.model_at(address) == model]

    def model_at(self, address: int) -> str:
        """The model of the meter at `address`, as `wum-simulator serve` deals them."""
        return self.models[(address - 1) % len(self.models)]

    def provision(self) -> list[str]:
        """Arguments of wum-firmware that make identity and keys."""
        return ["provision", "--out", str(self.keys), "--name", self.name]

    def register(self, *, has_trust: bool = True) -> list[str]:
        """Arguments of wum-cloud that make the head-end know it, while its first keys last."""
        words = ["register", str(self.registration), "--name", self.name]
        if self.mesh is not None:
            words += self.mesh.register()
        if has_trust and not self.is_board:
            words += ["--trust-to", str(self.keys)]  # Its keys change, as at any other.
        return [*words, "--site", f"{_SITE} {self.number}", "--time-zone", _TIME_ZONE]

    def serve(self, clock: Clock) -> list[str]:
        """Arguments of wum-simulator: the meters on this bus."""
        words = ["serve", "--link", str(self.bus), "--control", str(self.control)]
        first = (self.number - 1) * self.meters  # No home twice in one street.
        words += ["--seed", str(_SEED), "--meters", str(self.wired)]
        words += ["--first-consumer", str(first)]
        for model in self.models:
            words += ["--model", model]
        return [*words, *_times(clock)]

    def pulses(self, clock: Clock) -> list[str]:
        """Arguments of wum-simulator: what is heard at the inputs."""
        words = ["pulses", "--socket", str(self.edges), "--control", str(self.edges_control)]
        first = (self.number - 1) * self.meters + self.wired
        words += ["--seed", str(_SEED), "--meters", str(len(self.inputs))]
        words += ["--first-consumer", str(first)]
        for meter in self.inputs:
            words += ["--model", meter.model]
        for contact in self.contacts:
            words += ["--contact", str(contact)]
        return [*words, *_times(clock)]

    def read(self) -> list[str]:
        """Arguments of wum-edge: the gateway, saying how it stands as often as the summary asks."""
        return ["run", "--config", str(self.configuration), "--status-s", str(STATUS_S)]

    def write_configuration(self, broker_port: int, clock: Clock) -> None:
        """Write what `wum-edge run` reads, or what becomes of a board's flash."""
        port = "uart:1" if self.is_board else str(self.bus)
        parts = [
            _table(
                "concentrator",
                name=self.name,
                keys="keys",
                archive="archive",
                archive_limit_mb=_BOARD_LIMIT_MB if self.is_board else _ARCHIVE_LIMIT_MB,
            ),
            _table("schedule", period_s=clock.period_s, offset_s=0),
            _table("[line]", name="a", port=port, baud=9600),
        ]
        if self.mesh is None or self.mesh.has_uplink:
            parts.append(_table("broker", host="127.0.0.1", port=broker_port, tls=False))
        if self.mesh is not None:
            parts += [_table(title, **values) for title, values in self.mesh.tables(self.modem)]
        for address in range(1, self.wired + 1):
            own = {"line": "a", "address": address, "model": self.model_at(address)}
            parts.append(self._meter(address, **own, timeout_ms=_METER_TIMEOUT_MS))
        if self.inputs:
            parts.append(_table("[line]", name="inputs", port=f"edges:{self.edges}"))
        for place, meter in enumerate(self.inputs, start=1):
            own = {"line": "inputs", "address": place, "model": meter.model}
            parts.append(self._meter(self.wired + place, **own) + _access(meter))
        if clock.speed > 1:
            times = {"start_s": clock.start_s, "wall_s": clock.wall_s, "speed": clock.speed}
            parts.append(_table("clock", **times))
        self.configuration.write_text("\n".join(parts))

    def _meter(self, place: int, **values: object) -> str:
        number = f"{self.number}{place:02d}"
        return _table("[meter]", serial=f"WUM-{number}", delivery_point=f"dp-{number}", **values)


def models_of(number: int) -> tuple[str, ...]:
    """What the demo's concentrator of that number reads."""
    return _CELLAR if number == CONCENTRATORS else _MIXED


def inputs_of(number: int, meters: int) -> tuple[Input, ...]:
    """Those of that concentrator that give pulses, where it has more meters than these."""
    return _INPUTS if number == CONCENTRATORS and meters > len(_INPUTS) else ()


def _access(meter: Input) -> str:
    return f"[meter.access]\n{meter.access}" if meter.access else ""


def _times(clock: Clock) -> list[str]:
    words = ["--start-s", str(clock.start_s), "--wall-s", str(clock.wall_s)]
    return [*words, "--speed", str(clock.speed)]


def _table(title: str, /, **values: object) -> str:
    # JSON's texts, numbers and truths are TOML's too.
    return f"[{title}]\n" + "".join(f"{key} = {json.dumps(v)}\n" for key, v in values.items())
