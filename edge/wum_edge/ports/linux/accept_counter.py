"""wum-edge meter accept-counter: a meter whose invocation counter began again is believed.

Left out: the counters (dlms_supply.py) and when a meter is doubted (meters/dlms). Nobody but a
person can know that the maker reset a meter: whoever repeats old messages looks the same.
"""

import time

from wum_edge.errors import MeterError
from wum_edge.meters.dlms import supply
from wum_edge.meters.dlms.connect import context_name
from wum_edge.meters.dlms.entry import Access
from wum_edge.meters.p1 import ciphered
from wum_edge.meters.p1 import entry as p1_entry
from wum_edge.ports.linux.ask_meter import NOT_DONE, Asked
from wum_edge.ports.linux.bad_question import BadQuestion
from wum_edge.ports.linux.dlms_supply import Accepted, CounterFile


def accept_counter(this: Asked, yes: bool) -> int:
    """Forget what was heard of one meter's counters. Raises BadQuestion."""
    context = _context(this)
    if not context:
        print(f"{this.place}: it is read without ciphering: there is no invocation counter",
              file=this.complaints)
        return NOT_DONE
    try:
        counters = supply.installed().counters
    except MeterError:
        counters = None
    if not isinstance(counters, CounterFile):
        raise BadQuestion("the counters are in use, or there is no folder of keys: stop the "
                          "gateway first. Nothing was written.")
    heard = counters.heard_of(context)
    if not heard:
        print(f"{this.place}: nothing was heard of its counter: there is nothing to accept",
              file=this.complaints)
        return NOT_DONE
    known = ", ".join(f"{_whose(name, context)} {counter}" for name, counter in heard.items())
    if not yes:
        raise BadQuestion(
            f"{this.place}: would forget {known}, and take the next counter that the meter says. "
            "Do it only if you know that the meter was reset or replaced: whoever repeats recorded "
            "messages looks the same. Nothing was written: add --yes to do it.")
    counters.accept(context, Accepted(
        this.meter.serial, int(time.time()), f"{this.meter.serial}: forgotten: {known}"))
    print(f"{this.place}: forgotten: {known}. The next counter that it says is taken; ours go on. "
          "The gateway archives this as an event when it starts.", file=this.out)
    return 0


def _context(this: Asked) -> str:
    """The name of its counters; empty for a meter that has none."""
    access = this.meter.access
    if isinstance(access, Access) and access.system_title:
        return context_name(this.meter.serial, access)
    if isinstance(access, p1_entry.Access) and access.keys is not None:
        return ciphered.context_name(this.meter.serial)
    return ""


def _whose(name: str, context: str) -> str:
    """The counter that a name means, for a person."""
    title = name[len(context) + 1:]
    return "ours as heard by the meter:" if title == "ours" else f"system title {title}:"
