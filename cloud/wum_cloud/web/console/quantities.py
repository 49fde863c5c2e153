"""What a meter's page can plot: a register, the phases of a quantity, a counter by interval."""

from collections.abc import Sequence
from dataclasses import dataclass

from wum_cloud.web import registers
from wum_cloud.web.registers import quantity
from wum_cloud.web.texts import gettext as _


@dataclass(frozen=True, slots=True)
class Quantity:
    """Registers with one unit in one plot. `key` stands in the address.

    `is_consumption`: not the register itself but its difference over hours or days.
    """

    key: str
    name: str
    codes: tuple[str, ...]
    is_consumption: bool = False

    @property
    def in_litres(self) -> bool:
        """Whether its intervals are of water that is drawn, which people count in litres."""
        return self.codes[0].startswith(("8-", "9-"))


def _phases(first: int) -> tuple[str, ...]:
    return tuple("1-0:%d.7.0" % (first + 20 * n) for n in range(3))


# In the order of the menu; each is offered where the meter has at least one of its registers.
_OFFERED = (
    Quantity("power", _("Active power"), ("1-0:16.7.0",)),
    Quantity("power-both", _("Active power"), ("1-0:1.7.0", "1-0:2.7.0")),
    Quantity("consumption", _("Consumption"), ("1-0:1.8.0",), True),
    Quantity("consumption-1", _("Consumption T1"), ("1-0:1.8.1",), True),
    Quantity("consumption-2", _("Consumption T2"), ("1-0:1.8.2",), True),
    Quantity("export", _("Energy exported"), ("1-0:2.8.0",), True),
    Quantity("phases", _("Active power by phase"), _phases(36)),
    Quantity("import-phases", _("Active power import by phase"), _phases(21)),
    Quantity("export-phases", _("Active power export by phase"), _phases(22)),
    Quantity("voltage", _("Voltage"), _phases(32)),
    Quantity("current", _("Current"), _phases(31)),
    Quantity("reactive", _("Reactive power"), ("1-0:131.7.0",)),
    Quantity("reactive-both", _("Reactive power"), ("1-0:3.7.0", "1-0:4.7.0")),
    Quantity("apparent", _("Apparent power by phase"), _phases(29)),
    Quantity("factor", _("Power factor"), ("1-0:13.7.0",)),
    Quantity("factors", _("Power factor by phase"), _phases(33)),
    Quantity("frequency", _("Frequency"), ("1-0:14.7.0",)),
    Quantity("heat", _("Heat used"), ("6-0:1.0.0",), True),
    Quantity("cooling", _("Cooling used"), ("5-0:1.0.0",), True),
    Quantity("gas", _("Gas used"), ("7-0:3.0.0",), True),
    Quantity("gas-base", _("Gas used, at base conditions"), ("7-0:3.2.0",), True),
    Quantity("water", _("Cold water used"), ("8-0:1.0.0",), True),
    Quantity("hot-water", _("Hot water used"), ("9-0:1.0.0",), True),
    Quantity("heat-cost", _("Heat cost units used"), ("4-0:1.0.0",), True),
    Quantity("heat-output", _("Heat output"), ("6-0:8.0.0",)),
    Quantity("heat-flow", _("Flow of heating water"), ("6-0:9.0.0",)),
    Quantity("temperatures", _("Temperatures"), ("6-0:10.0.0", "6-0:11.0.0")),
    Quantity("cooling-output", _("Cooling output"), ("5-0:8.0.0",)),
    Quantity("cooling-temperatures", _("Temperatures"), ("5-0:10.0.0", "5-0:11.0.0")),
    Quantity("heating-water", _("Heating water by interval"), ("6-0:2.0.0",), True),
)


def offered(codes: Sequence[str]) -> list[Quantity]:
    """What can be plotted of a meter with these registers: quantities, then single registers."""
    there = []
    for wanted in _OFFERED:
        present = tuple(code for code in wanted.codes if code in codes)
        if present:
            there.append(Quantity(wanted.key, wanted.name, present, wanted.is_consumption))
    plotted = {code for q in there if not q.is_consumption for code in q.codes}
    return there + [Quantity(code, _("Register %(name)s") % {"name": quantity(code)}, (code,))
                    for code in codes if code not in plotted]


def chosen(offer: Sequence[Quantity], key: str) -> Quantity | None:
    """The offered quantity called `key`, the first where nothing was asked for; None: unknown.

    A register's OBIS code finds the quantity in which it is plotted.
    """
    if not key:
        return offer[0] if offer else None
    exact = next((q for q in offer if q.key == key), None)
    return exact or next((q for q in offer if key in q.codes and not q.is_consumption), None)


def grouped(codes: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Codes under headings, in the order of headings; their own order is kept inside."""
    groups: dict[str, list[str]] = {name: [] for name in registers.headings()}
    for code in codes:
        groups[registers.heading(code)].append(code)
    return [(name, inside) for name, inside in groups.items() if inside]
