"""`main.py` of a board that starts what lies in its slots, changed for a test.

The watchdog is as patient as a busy machine needs it, in boot.py's code and in the gateway's.
"""

from textwrap import indent

# What the image must leave changeable for it.
SLOT_CHANGEABLE = (
    "wum_edge.ports.micropython.boot.WATCHDOG_MS", "wum_edge.ports.micropython.boot._put_before",
    "wum_edge.ports.micropython.main.WATCHDOG_MS")
_MAIN = """
from change import change, held
from wum_edge.ports.micropython import boot
change("wum_edge.ports.micropython.boot", WATCHDOG_MS=60000)
put_before = held("wum_edge.ports.micropython.boot", "_put_before")
def put(slot):
    put_before(slot)
    change("wum_edge.ports.micropython.main", WATCHDOG_MS=60000)
{put}{besides}change("wum_edge.ports.micropython.boot", _put_before=put)
boot.start()
"""


def slot_main(put: str, besides: str = "") -> str:
    """The text: lines of `put` are carried out once a slot's code is chosen, before it is loaded;
    those of `besides` before anything starts.
    """
    return _MAIN.format(put=indent(put, "    "), besides=besides)
