"""How a board stands, in words: a sentence for the console, and lines for whoever opens its page.

Every state that a person may have to mend has words of its own, and says what to do. Left out: who
asks (main.py, page.py).
"""

from wum_shared.ids import id_to_text
from wum_shared.status import FREE_RUNNING, NEVER_SET

_FREE_RUNNING = ("the clock runs by itself: network time was not heard for a day, or since the "
                 "start")
_NOT_JOINED = ("it is not in its mesh yet: is a neighbour near, and was it invited (wum-firmware "
               "mesh --invite, and --door for the gateways)?")
_NEVER_SET = "records keep their order, their times are marked as unknown; it needs network time"


def states(gateway, summary):
    """[(whether a person may have to act, words)], the worst of them first."""
    found = []
    if summary.stopped:
        found.append((True, "nothing is sent: " + summary.stopped))
    if summary.trouble:
        found.append((True, "%s%s" % (summary.trouble, (
            "; %d records wait in memory" % summary.inbox) if summary.inbox else "")))
    if not gateway.network.is_up():
        found.append((True, gateway.network.words()))
    elif gateway.broker is not None and gateway.broker.is_open and not gateway.broker.session():
        why = gateway.broker.trouble
        found.append((True, "no connection to the broker %s:%d" % gateway.broker.where() + (
            ": " + why if why else "")))
    if gateway.mesh is not None:
        if gateway.mesh.radio.trouble:
            found.append((True, "the radio does not answer: " + gateway.mesh.radio.trouble))
        elif not gateway.mesh.own.keys:
            found.append((True, _NOT_JOINED))
        elif not gateway.mesh.has_way():
            found.append((True, "no way through the mesh: no gateway is heard"))
    quality = gateway.clock.quality()
    if quality == NEVER_SET:             # That it was is told already, as a trouble.
        found.append((False, _NEVER_SET))
    elif quality == FREE_RUNNING:
        found.append((False, _FREE_RUNNING))
    for known in gateway.meters:
        if known.silence_told:
            found.append((True, "meter %s is silent" % known.meter.serial))
    return found


def sentence(gateway):
    """For the console: meters, archive, delivery, and what is wrong."""
    summary = gateway.agent.summary()
    wrong = [words for is_bad, words in states(gateway, summary) if is_bad]
    return "%d meters; %d records archived, %d records wait for the head-end; %s" % (
        len(gateway.meters), summary.archived, summary.backlog,
        "; ".join(wrong) if wrong else "all is well")


def lines(gateway, name):
    """The whole of it, line by line."""
    summary = gateway.agent.summary()
    yield "WUM concentrator %s, %s" % (name, id_to_text(gateway.id))
    yield "board %s, started after %s" % (gateway.name, gateway.cause)
    yield ""
    found = states(gateway, summary)
    for is_bad, words in found:
        yield ("! " if is_bad else "- ") + words
    if not found:
        yield "all is well"
    yield ""
    yield "time            %d s since 1970 (UTC)" % gateway.clock.now_s()
    yield "archived        %d records" % summary.archived
    yield "waiting         %d records" % summary.backlog
    if summary.progress is not None:
        yield "acknowledged    %d batches" % summary.progress.answered
    yield "flash left      %d bytes" % gateway.flash.space_left()
    yield "RAM left        %d bytes" % gateway.ram_left()
    if gateway.updating is not None:
        yield "update          " + gateway.updating.words()
    yield ""
    for known in gateway.meters:
        yield "meter %-12s %s" % (known.meter.serial, "silent" if known.silence_told else "is read")
