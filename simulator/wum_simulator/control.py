"""The control of a line: faults on command, and what is shown, by JSON (control_socket.py).

Requests: {"do": "status"}, {"do": "registers", "address": 3, "at_s": 1760000000},
{"do": "answers", "address": 3}, {"do": "fault", "kind": "noise", "address": 3, "rate": 0.1},
{"do": "clear", "address": 3}, {"do": "wrong", "what": "inverted-ct", "address": 3, "amount": 2}.
`at_s` (default: now) and, for faults, `address` (default: all) may be left out.
"""

from dataclasses import asdict, fields
from typing import Any

from wum_simulator.bus import Bus
from wum_simulator.consumer import ORIGIN_S
from wum_simulator.control_socket import ControlSocket, number_in
from wum_simulator.faults import BadFault, Fault, Kind
from wum_simulator.request import Refused
from wum_simulator.town import Meter
from wum_simulator.world import World
from wum_simulator.wrongs import What, Wrong

AT_MAX_S = 2**32 - 1
AMOUNT_MAX = 10**12


class Control(ControlSocket):
    """Answers about one line, and orders faults on it."""

    def __init__(self, world: World, bus: Bus) -> None:
        super().__init__()
        self._world = world
        self._bus = bus

    def _done(self, request: dict[str, Any]) -> dict[str, object]:
        match request.pop("do", None):
            case "status":
                return self._status()
            case "registers":
                meter = self._meter(request)
                return meter.described(number_in(request, "at_s", ORIGIN_S, AT_MAX_S)
                                       or self._world.now_s())
            case "answers":
                return {"answers": self._answers(self._meter(request).address)}
            case "fault":
                fault = fault_of(request)
                if fault.address is not None:
                    self._meter({"address": fault.address})
                self._bus.faults.order(fault)
                return {"fault": _shown(fault)}
            case "wrong":
                return {"wrong": asdict(self._wrong(request))}
            case "clear":
                address = number_in(request, "address", 1, 247)
                return {"cleared": self._bus.faults.clear(address)}
            case other:
                raise Refused(
                    "do: wanted status, registers, answers, fault, wrong or clear; "
                    f"got {other!r}")

    def _wrong(self, request: dict[str, Any]) -> Wrong:
        """A meter goes wrong from `at_s` (default: now) on."""
        if request.get("what") not in list(What):
            raise Refused(f"what: wanted one of {', '.join(What)}; got {request.get('what')!r}")
        meter = self._meter(request)
        at_s = number_in(request, "at_s", ORIGIN_S, AT_MAX_S) or self._world.now_s()
        amount = number_in(request, "amount", -AMOUNT_MAX, AMOUNT_MAX) or 0
        wrong = Wrong(What(request["what"]), at_s, amount)
        meter.goes_wrong(wrong)
        return wrong

    def _status(self) -> dict[str, object]:
        return {
            "now_s": self._world.now_s(), "seed": self._world.dice.seed,
            "heard_bytes": self._bus.heard_bytes,
            "meters": [{"address": m.address, "model": m.kind.name, "home": m.consumer.home.name,
                        "first_week": m.consumer.first_week,
                        "answered": self._bus.answered[m.address]}
                       for m in self._bus.meters.values()],
            "faults": [_shown(fault) for fault in self._bus.faults.in_force()],
        }

    def _answers(self, address: int) -> list[dict[str, object]]:
        return [{"at_s": a.at_s, "said": a.said.hex(), "intact": a.intact,
                 "request": None if a.request is None else asdict(a.request)}
                for a in self._bus.answers[address]]

    def _meter(self, request: dict[str, Any]) -> Meter:
        address = number_in(request, "address", 1, 247)
        if address not in self._bus.meters:
            known = sorted(self._bus.meters)
            raise Refused(f"address: wanted {known[0]}..{known[-1]}, got {address}")
        return self._bus.meters[address]


def fault_of(request: dict[str, Any]) -> Fault:
    """The fault that a request describes. Raises BadFault."""
    known = {field.name for field in fields(Fault)}
    for name, value in request.items():
        if name not in known:
            raise BadFault(f"{name}: a fault has no such thing; it has {', '.join(sorted(known))}")
        wanted = (int, float) if name == "rate" else (str,) if name == "kind" else (int,)
        if type(value) not in wanted and value is not None:
            raise BadFault(f"{name}: wanted a {wanted[-1].__name__}, got {value!r}")
    given = {name: value for name, value in request.items() if value is not None}
    try:
        kind = Kind(given.pop("kind", ""))
    except ValueError:
        raise BadFault(f"kind: wanted one of {', '.join(Kind)}; got "
                       f"{request.get('kind')!r}") from None
    return Fault(kind=kind, **given)


def _shown(fault: Fault) -> dict[str, object]:
    return {name: value for name, value in asdict(fault).items() if value is not None}
