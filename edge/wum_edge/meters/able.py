"""What the catalogue knows that a meter cannot do: it is refused before anybody is asked.

Left out: what only the meter itself knows, such as whether it has a limiter (its reader).
"""

from wum_edge.meters.catalog import Model, entry_of
from wum_edge.meters.orders import (
    READ_NOW,
    SET_CLOCK,
    SET_LIMIT,
    SWITCH,
    SWITCH_SECONDARY,
    TRANSPARENT,
)

_LACKING = {
    SWITCH: "has no switch", SWITCH_SECONDARY: "has no switch for a secondary load",
    SET_LIMIT: "has no limiter", SET_CLOCK: "has no clock that can be set",
    TRANSPARENT: "has no line that could be lent",
}


def lacks(model: Model, what: str) -> str:
    """Why a line is not asked for this with such a meter, by the model's name; empty: it may be.

    A protocol says what its meters can by `acts(model)` in its entry module; by those without one
    they are read, and their line is lent.
    """
    own = getattr(entry_of(model.protocol), "acts", None)
    if what in _LACKING and what not in (own(model) if own is not None else (
            READ_NOW, TRANSPARENT)):
        return "%s %s" % (model.model, _LACKING[what])
    return ""
