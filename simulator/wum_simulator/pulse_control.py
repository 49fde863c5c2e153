"""The control of pulse inputs: contacts moved on command, what was given, what the meters show.

Requests: {"do": "status"}, {"do": "registers", "address": 3, "at_s": 1760000000} with an input as
address, {"do": "contact", "input": 17, "closed": true}. Left out: the socket (control_socket.py).
"""

from typing import Any

from wum_simulator.consumer import ORIGIN_S
from wum_simulator.control import AT_MAX_S
from wum_simulator.control_socket import ControlSocket, number_in
from wum_simulator.meters.disk import Disk
from wum_simulator.pulse_server import PulseServer
from wum_simulator.request import Refused
from wum_simulator.world import World

INPUT_MAX = 255


class PulseControl(ControlSocket):
    """Answers about the disks behind inputs; moves the other contacts, which begin open."""

    def __init__(self, world: World, disks: dict[int, Disk], contacts: list[int],
                 pulses: PulseServer) -> None:
        """Raises ValueError when an input would be two things."""
        super().__init__()
        self._world = world
        self._disks = disks
        self._contacts = dict.fromkeys(contacts, False)
        self._pulses = pulses
        for number in contacts:
            if number in disks or contacts.count(number) > 1:
                raise ValueError(f"contact: input {number} is taken already; choose another")
            if not 0 <= number <= INPUT_MAX:
                raise ValueError(f"contact: wanted 0..{INPUT_MAX}, got {number}")

    def _done(self, request: dict[str, Any]) -> dict[str, object]:
        match request.pop("do", None):
            case "status":
                return self._status()
            case "registers":
                disk = self._disks[self._known(request, "address", self._disks)]
                return disk.meter.described(
                    number_in(request, "at_s", ORIGIN_S, AT_MAX_S) or self._world.now_s())
            case "contact":
                return self._move(request)
            case other:
                raise Refused(f"do: wanted status, registers or contact; got {other!r}")

    def _status(self) -> dict[str, object]:
        return {
            "now_s": self._world.now_s(), "seed": self._world.dice.seed,
            "meters": [{"input": number, "model": disk.meter.kind.name,
                        "pulses": disk.closings}
                       for number, disk in self._disks.items()],
            "contacts": [{"input": number, "closed": closed}
                         for number, closed in self._contacts.items()],
        }

    def _move(self, request: dict[str, Any]) -> dict[str, object]:
        number = self._known(request, "input", self._contacts)
        closed = request.get("closed")
        if type(closed) is not bool:
            raise Refused(f"closed: wanted true or false, got {closed!r}")
        if self._contacts[number] != closed:
            self._contacts[number] = closed
            self._pulses.move(number, closed=closed)
        return {"contact": {"input": number, "closed": closed}}

    def _known(self, request: dict[str, Any], name: str, there: dict[int, Any]) -> int:
        number = number_in(request, name, 0, INPUT_MAX)
        if number is None or number not in there:
            wanted = ", ".join(str(one) for one in sorted(there)) or "none: `pulses` was given none"
            raise Refused(f"{name}: wanted one of {wanted}; got {number}")
        return number
