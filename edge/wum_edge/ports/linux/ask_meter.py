"""One meter's settings on a terminal: clock, switch, limiter, activity calendar, read and changed.

Left out: the command line (meter_commands.py) and how a protocol does it (meters/). Every change is
confirmed by the reader, which reads it back; every refusal is told with what it means.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from wum_edge import config
from wum_edge.errors import LineGone, MeterError
from wum_edge.meters.catalog import Model, protocols
from wum_edge.meters.dlms.errors import AccessRefused
from wum_edge.meters.dlms.setting import Limit
from wum_edge.meters.pace import setting_of
from wum_edge.meters.reader import CannotDo, Reader
from wum_edge.meters.readers import reader_for
from wum_edge.meters.turn import Setting, converse
from wum_edge.ports.linux import aes_cbc, dlms_supply
from wum_edge.ports.linux.ask import sentence, unknown_meter
from wum_edge.ports.linux.bad_question import BadQuestion
from wum_edge.ports.linux.calendar_file import calendar_text, read_calendar
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.clock import SystemClock
from wum_edge.ports.linux.config_file import BadConfigFile, own_entries, read_config
from wum_edge.ports.linux.tcp_line import line_of
from wum_shared.units import UNITS, scaled_to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.meters.reader import Conversation

NOT_DONE = 1
# What a data-access-result or action-result means for whoever asked (Green Book 9.5).
MEANINGS = {
    "hardware-fault": "the meter has a fault: have it looked at",
    "temporary-failure": "it is busy: try again in a minute",
    "read-write-denied": "this client may not: use one with more rights (client and "
                         "authentication in [meter.access])",
    "object-undefined": "this meter has no such object",
    "object-class-inconsistent": "the meter has another object under this name",
    "object-unavailable": "the object cannot be reached at this moment: try again later",
    "type-unmatched": "the meter wants another type of value: its firmware differs from the "
                      "standard's form",
    "scope-of-access-violated": "this client may not see it: use one with more rights",
    "other-reason": "the meter gives no reason: its manual may",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One meter, and where to say what came of it."""

    meter: config.Meter
    model: Model
    line: config.Line
    setting: Setting
    place: str
    out: TextIO
    complaints: TextIO


def asked(serial: str, path: Path, out: TextIO, complaints: TextIO) -> Asked:
    """The meter of that serial in the configuration at `path`. Raises BadConfigFile."""
    models = read_catalog(own_entries(path))
    checked = read_config(path, protocols(models), files=False)
    serials = [meter.serial for meter in checked.meters]
    if serial not in serials:
        raise BadConfigFile(path, [unknown_meter(serial, serials)])
    at = serials.index(serial)
    meter = checked.meters[at]
    model = models[meter.model]
    line = next(one for one in checked.lines if one.name == meter.line)
    if model.protocol.startswith(("dlms", "p1")):
        dlms_supply.install_alone(Path(checked.concentrator.keys))
    aes_cbc.install()
    return Asked(meter, model, line, setting_of(model, line, checked.characters[at]),
                 f"{serial} at address {meter.address} on line {line.name}", out, complaints)


def print_clock(this: Asked) -> int:
    """The meter's clock and how far it is off."""
    def said(reader: Reader) -> "Conversation[str]":
        found = yield from reader.read_clock()
        if found.utc_s is None:
            return f"clock: no moment: {found.doubt}"
        off_s = found.utc_s - SystemClock().now_s()
        doubt = f", {found.doubt}" if found.doubt else ""
        said_at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(found.utc_s))
        return f"clock: {said_at} UTC, {off_s:+d} s to this computer's{doubt}"
    return _say(this, said)


def print_switch(this: Asked) -> int:
    """Whether the consumer is connected."""
    def said(reader: Reader) -> "Conversation[str]":
        found = yield from reader.read_switch()
        return f"switch: {'closed' if found.is_closed else 'open'}, control state {found.word}"
    return _say(this, said)


def print_limit(this: Asked) -> int:
    """The limiter's thresholds."""
    def said(reader: Reader) -> "Conversation[str]":
        return _limit_text((yield from reader.read_limit()))
    return _say(this, said)


def print_calendar(this: Asked, passive: bool) -> int:
    """One half of the activity calendar, as JSON."""
    def said(reader: Reader) -> "Conversation[str]":
        found = yield from reader.read_calendar()
        half = found.passive if passive else found.active
        if half is None:
            raise CannotDo(f"{this.model.model}: no passive calendar that can be read")
        return calendar_text(half)
    return _say(this, said)


def set_clock(this: Asked, yes: bool) -> int:
    """To this computer's time."""
    def done(reader: Reader) -> "Conversation[str]":
        yield from reader.set_clock(SystemClock().now_s())
        found = yield from reader.read_clock()
        off = "unknown" if found.utc_s is None else f"{found.utc_s - SystemClock().now_s():+d} s"
        return f"clock: set; now {off} to this computer's"
    return _confirmed(this, yes, "set the clock to this computer's time", done)


def switch(this: Asked, closed: bool, yes: bool) -> int:
    """Connect or disconnect."""
    def done(reader: Reader) -> "Conversation[str]":
        yield from reader.switch(closed)
        return f"switch: the meter says {'connected' if closed else 'disconnected'}"
    return _confirmed(this, yes, f"{'connect' if closed else 'disconnect'} the consumer", done)


def set_limit(this: Asked, wanted: tuple[Decimal, str], yes: bool) -> int:
    """The normal threshold becomes `wanted`: a number and its unit."""
    limit, unit = wanted
    exponent = min(0, int(limit.as_tuple().exponent))
    value = int(limit.scaleb(-exponent))

    def done(reader: Reader) -> "Conversation[str]":
        before = yield from reader.read_limit()
        counts = "" if before.scale is None else UNITS.get(before.scale.unit, "")
        if counts != unit:
            raise CannotDo(f"its limiter watches {counts or 'something without a unit'}, "
                           f"not {unit}")
        found = yield from reader.set_limit(value, exponent)
        assert found is not None, "who has a limiter that can be read"
        return _limit_text(found)
    return _confirmed(this, yes, f"set the limit to {limit:f} {unit}", done)


def load_calendar(this: Asked, path: Path, yes: bool) -> int:
    """The passive half becomes what the file says. Raises BadQuestion."""
    wanted = read_calendar(path)

    def done(reader: Reader) -> "Conversation[str]":
        yield from reader.set_calendar(wanted)
        return "calendar: written and read back; `meter activate-calendar` puts it into force"
    return _confirmed(this, yes, f"write the passive calendar from {path}", done)


def activate_calendar(this: Asked, yes: bool) -> int:
    """The passive half becomes the active one."""
    def done(reader: Reader) -> "Conversation[str]":
        yield from reader.activate_calendar()
        return "calendar: the passive half is active now"
    return _confirmed(this, yes, "make the passive calendar the active one", done)


def _confirmed(
        this: Asked, yes: bool, deed: str, done: "Callable[[Reader], Conversation[str]]") -> int:
    if not yes:
        raise BadQuestion(f"{this.place}: would {deed}. Nothing was written: add --yes to do it.")
    return _say(this, done)


def _say(this: Asked, conversation: "Callable[[Reader], Conversation[str]]") -> int:
    """Print what the conversation returns; its exit code."""
    reader = reader_for(this.model, this.meter, SystemClock())
    try:
        wire = line_of(this.line)
        try:
            text = converse(_visit(reader, this.setting, conversation), wire)
        finally:
            wire.close()
    except CannotDo as error:
        print(f"{this.place}: {error}", file=this.complaints)
        return NOT_DONE
    except AccessRefused as error:
        meaning = MEANINGS.get(error.result, "")
        print(f"{this.place}: {error}{': ' if meaning else ''}{meaning}", file=this.complaints)
        return NOT_DONE
    except LineGone as error:
        print(f"{this.place}: {error}", file=this.complaints)
        return NOT_DONE
    except MeterError as error:
        known = type(error).__module__ == "wum_edge.errors" and type(error) is not MeterError
        print(f"{this.place}: {sentence(error, this.meter) if known else error}",
              file=this.complaints)
        return NOT_DONE
    print(text, file=this.out)
    return 0


def _visit(reader: Reader, setting: Setting,
           conversation: "Callable[[Reader], Conversation[str]]") -> "Conversation[str]":
    """`conversation`, and the association closed behind it, whatever came of it."""
    yield setting
    try:
        text = yield from conversation(reader)
    except (CannotDo, AccessRefused):
        yield from reader.close()        # It answers: leave it as it was found.
        raise
    yield from reader.close()
    return text


def _limit_text(found: Limit) -> str:
    limiter, scale = found
    scaler, unit = (0, "") if scale is None else (scale.scaler, UNITS.get(scale.unit, ""))
    unit = unit or "(the meter names no unit)"

    def shown(value: int) -> str:
        return f"{scaled_to_text(value, scaler)} {unit}"
    return (f"limiter: {shown(limiter.threshold_active)} now; {shown(limiter.threshold_normal)} "
            f"normally, {shown(limiter.threshold_emergency)} in an emergency; acts after "
            f"{limiter.min_over_s} s above, {limiter.min_under_s} s below")
