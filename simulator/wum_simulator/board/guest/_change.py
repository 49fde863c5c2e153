"""Changes names of a board's image that a test asked to be changeable (frozen.gateway)."""

import sys


def change(module, **names):
    """Give names of this module other values, where its room has them."""
    __import__(module)
    rest = sys.modules[module]
    room = sys.modules[getattr(rest, "ROOM", module)]
    finals = getattr(rest, "FINAL", {})
    for name in names:
        setattr(room, finals.get(name, name), names[name])


def held(module, name):
    """What such a name stands for."""
    __import__(module)
    rest = sys.modules[module]
    return getattr(sys.modules[getattr(rest, "ROOM", module)],
                   getattr(rest, "FINAL", {}).get(name, name))
