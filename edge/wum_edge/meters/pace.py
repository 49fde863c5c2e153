"""How a meter wants its line, and how fast it answers: its protocol's word beside the config's.

Left out: what a sweep costs (plan.py) and what was learnt of a meter (patience.py).
"""

from wum_edge import config
from wum_edge.meters.catalog import Model, entry_of
from wum_edge.meters.turn import DELAY_US, Pace, Setting, silence_us


def pace_of(model: Model, baud: int, bits_per_character: int) -> Pace:
    """By the protocol's `pace(model, baud, bits_per_character)`, or as Modbus has it: 3.5
    characters, and 20 ms.
    """
    own = getattr(entry_of(model.protocol), "pace", None)
    if own is not None:
        found: Pace = own(model, baud, bits_per_character)
        return found
    return Pace(silence_us(baud, bits_per_character), DELAY_US)


def setting_of(
        model: Model, line: config.Line, characters: config.Characters | None,
) -> Setting:
    """The setting of one meter: its own characters or the line's, and its protocol's silence."""
    own = line.setting()
    if characters is not None:
        own = Setting(characters.baud, characters.data_bits, characters.parity,
                      characters.stop_bits, 0)
    quiet_us = pace_of(model, own.baud, own.bits_per_character()).quiet_us
    return Setting(own.baud, own.data_bits, own.parity, own.stop_bits, quiet_us)
