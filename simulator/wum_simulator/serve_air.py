"""One run of `wum-simulator air`: serial LoRa modems on ptys, joined by the simulated air in real
time, until a signal.

Left out: what a modem says (radio/modem.py), the air itself (radio/air.py). The duty law is the
air's own: a modem that breaks it ends the run.
"""

import asyncio
import logging
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wum_edge.mesh.airtime import Modulation, modulation
from wum_simulator.control_socket import ControlSocket, number_in
from wum_simulator.line import Line
from wum_simulator.radio.air import Air
from wum_simulator.radio.chip import Chip
from wum_simulator.radio.modem import Modem, ModemFault
from wum_simulator.radio.reception import CAPTURE_DB
from wum_simulator.radio.wires import SNR_MAX_DB, SNR_MIN_DB, Links
from wum_simulator.request import Refused
from wum_simulator.world import World

_log = logging.getLogger(__name__)
MODEMS_MAX = 64
STEP_MAX_S = 0.5


@dataclass(frozen=True, slots=True)
class AirDescription:
    """What is to be served: a pty for each link, and who hears whom (counted from 1, SNR in dB)."""

    links: list[Path]
    hears: dict[tuple[int, int], float]
    way: Modulation = modulation(7, 250_000)
    duty_permyriad: int = 1000
    control: Path | None = None
    chips: frozenset[int] = frozenset()      # Which of the links (from 1) are chips, not modems.


def hears_of(text: str) -> tuple[tuple[int, int], float]:
    """A link as a command line tells it: "1-2=12". Raises ValueError."""
    pair, _, decibels = text.partition("=")
    one, _, other = pair.partition("-")
    if not (one.isdigit() and other.isdigit()) or one == other:
        raise ValueError(f"hears: wanted A-B=DECIBELS, like 1-2=12, got {text!r}")
    found = float(decibels)
    if not SNR_MIN_DB <= found <= SNR_MAX_DB:
        raise ValueError(f"hears: wanted {SNR_MIN_DB}..{SNR_MAX_DB} dB, got {decibels}")
    return (int(one), int(other)), found


class LiveAir:
    """The air and its modems, at the pace of the world's clock."""

    def __init__(self, world: World, description: AirDescription, ended: asyncio.Event) -> None:
        """Raises Busy, ValueError, OSError."""
        self._ended = ended
        self.crash: Exception | None = None      # Breach, or a mistake of ours; `ended` is set.
        count = len(description.links)
        for pair in description.hears:
            if not all(1 <= one <= count for one in pair):
                raise ValueError(f"hears: wanted modems 1..{count}, got {pair[0]}-{pair[1]}")
        self._world, self._began_s = world, world.elapsed_s()
        snr_db = {(one - 1, other - 1): found for (one, other), found in description.hears.items()}
        self.links = Links(count, snr_db, description.way, world.dice)
        self.air = Air(self.links, [description.way], world.dice, CAPTURE_DB,
                       [description.duty_permyriad] * count)
        self.lines: list[Line] = []
        self._paths = description.links
        try:
            for path in description.links:
                self.lines.append(Line(path))
        except BaseException:
            self.close()
            raise
        self.modems: list[Modem | Chip] = [
            (Chip if at + 1 in description.chips else Modem)(self.air, at, self._sayer(at))
            for at in range(count)]
        self._waking = 0          # Number of the newest wish to be woken; older ones are void.

    def _sayer(self, number: int) -> Any:
        def say(data: bytes) -> None:
            self.lines[number].write(data)
        return say

    def start(self) -> None:
        """Let others open the ptys."""
        for number, line in enumerate(self.lines):
            self._publish(number, line)
        self.go_on()

    def _publish(self, number: int, line: Line) -> None:
        asyncio.get_running_loop().add_reader(line.master, self._carry, number)
        line.publish()

    def _carry(self, number: int) -> None:
        try:
            data = self.lines[number].read()
        except OSError:
            return
        self.catch_up()
        self.modems[number].received(data)
        self.go_on()

    def catch_up(self) -> None:
        """Let everything happen that is due."""
        try:
            self.air.run(int((self._world.elapsed_s() - self._began_s) * 1_000_000))
        except Exception as error:
            self.crash = error
            self._ended.set()

    def go_on(self) -> None:
        """Let what is due happen, and wake up for the next."""
        self.catch_up()
        next_us = self.air.next_us()
        wait_s = STEP_MAX_S if next_us is None else (next_us - self.air.now_us) / 1_000_000
        self._waking += 1
        self._world.after(min(wait_s, STEP_MAX_S), partial(self._wake, self._waking))

    def _wake(self, waking: int) -> None:
        if waking == self._waking:
            self.go_on()

    def plug(self, number: int, is_in: bool) -> None:
        """Pull a modem's device out (its pty is gone), or put it back. Raises Busy, OSError."""
        modem = self.modems[number]
        if modem.is_plugged == is_in:
            return
        if is_in:
            self.lines[number] = Line(self._paths[number])
            self._publish(number, self.lines[number])
        else:
            asyncio.get_running_loop().remove_reader(self.lines[number].master)
            self.lines[number].close()
        modem.plug(is_in)

    def close(self) -> None:
        for number, line in enumerate(self.lines):
            if not hasattr(self, "modems") or self.modems[number].is_plugged:
                line.close()


class AirControl(ControlSocket):
    """Answers about the air: {"do": "status"}, {"do": "modem", "modem": 2, "fault": "mute"} (or
    busy, error, garbage, none), {"do": "modem", "modem": 2, "happens": "reboot"} (or unplug,
    plug), {"do": "hears", "one": 1, "other": 2, "snr_db": 12} (null: no more).
    """

    def __init__(self, live: LiveAir) -> None:
        super().__init__()
        self._live = live

    def _done(self, request: dict[str, Any]) -> dict[str, object]:
        live = self._live
        live.catch_up()
        try:
            match request.pop("do", None):
                case "status":
                    return self._status()
                case "modem":
                    return self._modem(request)
                case "hears":
                    one, other = (self._number(request, name) for name in ("one", "other"))
                    live.links.set(one, other, _decibels(request.get("snr_db")))
                    return {}
                case what:
                    raise Refused(f"do: wanted status, modem or hears; got {what!r}")
        finally:
            live.go_on()

    def _status(self) -> dict[str, object]:
        live = self._live
        return {"now_us": live.air.now_us, "air": dict(live.air.counts), "modems": [
            {"modem": at + 1, "plugged": modem.is_plugged, "counts": modem.counts,
             "fault": modem.fault.value if modem.fault else None,
             "airtime_us": modem.radio.law.total_us}
            for at, modem in enumerate(live.modems)]}

    def _modem(self, request: dict[str, Any]) -> dict[str, object]:
        number = self._number(request, "modem")
        modem, happens = self._live.modems[number], request.get("happens")
        if happens in ("unplug", "plug"):
            self._live.plug(number, happens == "plug")
        elif happens == "reboot":
            modem.reboot()
        elif happens is not None:
            raise Refused(f"happens: wanted reboot, unplug or plug; got {happens!r}")
        if "fault" in request and isinstance(modem, Chip):
            raise Refused("fault: a chip has none; it can be unplugged")
        if "fault" in request and isinstance(modem, Modem):
            try:
                modem.fault = None if request["fault"] == "none" else ModemFault(request["fault"])
            except ValueError:
                kinds = ", ".join(kind.value for kind in ModemFault)
                raise Refused(f"fault: wanted none, {kinds}; got {request['fault']!r}") from None
        return {}

    def _number(self, request: dict[str, Any], name: str) -> int:
        number = number_in(request, name, 1, len(self._live.modems))
        if number is None:
            raise Refused(f"{name}: wanted 1..{len(self._live.modems)}")
        return number - 1


def _decibels(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, (int, float)) and SNR_MIN_DB <= value <= SNR_MAX_DB:
        return float(value)
    raise Refused(f"snr_db: wanted {SNR_MIN_DB}..{SNR_MAX_DB} or null, got {value!r}")


def run_air(world: World, description: AirDescription) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. Raises Busy, ValueError, OSError, Breach."""
    async def run() -> None:
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        live = LiveAir(world, description, ended)
        control = AirControl(live)
        try:
            if description.control:
                await control.open(description.control)
            live.start()
            _log.info("%d modems: %s", len(live.lines),
                      ", ".join(f"{path}" for path in description.links))
            await ended.wait()
        finally:
            control.close()
            live.close()
        if live.crash is not None:
            raise live.crash
    asyncio.run(run())
