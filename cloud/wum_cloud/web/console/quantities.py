"""What a meter's page can plot: one register, the phases of a quantity, or energy by interval."""

from collections.abc import Sequence
from dataclasses import dataclass

from wum_cloud.web.naming import quantity
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


# In the order of the menu; each is offered where the meter has at least one of its registers.
_OFFERED = (
    Quantity("power", _("Active power"), ("1-0:16.7.0",)),
    Quantity("consumption", _("Consumption"), ("1-0:1.8.0",), True),
    Quantity("export", _("Energy exported"), ("1-0:2.8.0",), True),
    Quantity("phases", _("Active power by phase"), ("1-0:36.7.0", "1-0:56.7.0", "1-0:76.7.0")),
    Quantity("voltage", _("Voltage"), ("1-0:32.7.0", "1-0:52.7.0", "1-0:72.7.0")),
    Quantity("current", _("Current"), ("1-0:31.7.0", "1-0:51.7.0", "1-0:71.7.0")),
    Quantity("reactive", _("Reactive power"), ("1-0:131.7.0",)),
    Quantity("factor", _("Power factor"), ("1-0:13.7.0",)),
    Quantity("frequency", _("Frequency"), ("1-0:14.7.0",)),
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


# Groups of the table of newest values: heading, and groups C of the OBIS codes that belong there.
def grouped(codes: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Codes under headings, in the order of headings; their own order is kept inside."""
    groups: dict[str, list[str]] = {name: [] for name in (
        _("Energy"), _("Power"), _("Voltage"), _("Current"), _("Other"))}
    for code in codes:
        groups[_heading(code)].append(code)
    return [(name, inside) for name, inside in groups.items() if inside]


def _heading(code: str) -> str:
    words = quantity(code)
    if ".8." in code:
        return _("Energy")
    for start, heading in ((_("Voltage"), _("Voltage")), (_("Current"), _("Current"))):
        if words.startswith(start):
            return heading
    return _("Power") if " power" in words else _("Other")
