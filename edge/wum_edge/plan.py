"""What reading all meters costs, before anything is mounted: seconds by line and meter, and whether
they fit the period.

Portable. Left out: printing it (a port), and what was learnt of real meters (meters/patience.py).
A protocol says what one visit to a meter takes (`cost(model)` in its entry.py: bytes both ways and
turns, in the best plan that its reader has; DLMS, where keys and rows cost, is told of them) and
how it paces them (meters/pace.py).
"""

from collections import namedtuple

from wum_edge.config import BAUDS, Config, Meter, is_network
from wum_edge.meters.catalog import Model, entry_of
from wum_edge.meters.pace import pace_of, setting_of
from wum_edge.meters.patience import MARGIN_MS
from wum_edge.meters.sweep import PROBE_EVERY
from wum_edge.meters.turn import Setting
from wum_edge.meters.upkeep import CAPTURE_S, DAY_S
from wum_edge.portions import Portion
from wum_edge.schema import Sets, profile_columns

DEAD = 4                     # Dead meters whose cost is told.
FREE_SHARE = 4               # A quarter of the period is left for re-reads, commands, back-fill.
PROFILE_BYTES = 150          # Of a load profile: asking for it, and frames around the rows ...
ROW_BYTES = 18               # ... a row's time and head ...
COLUMN_BYTES = 5             # ... and each value in it.
FRAME_BYTES = 110            # Of rows in a frame of 128.
NETWORK_BAUD = 10000000      # Of a line behind Ethernet to meters with a network of their own.
NETWORKED = ("modbus-tcp", "dlms-wrapper")
CIPHERED = ("dlms-hdlc", "dlms-wrapper")
# Readings of one sweep are compared with one another (a feeder with its meters): they should be of
# one moment. A sweep may take a quarter of the period; under a minute nobody minds.
SPREAD_SHARE = 4
SPREAD_LEAST_S = 60


class MeterPlan(namedtuple("MeterPlan", (
        "serial", "model", "protocol", "setting", "size", "turns", "took_us", "period_s",
        "timeout_ms"))):
    """One meter: bytes both ways, turns, and microseconds of each reading, one every `period_s`.
    `size` is None where the protocol does not say; it is then not counted. Of one with several
    register sets, all of them at once; `took_us` is then what they take of each of the shortest.
    """

    __slots__ = ()
    serial: str
    model: str
    protocol: str
    setting: Setting
    size: int | None
    turns: int
    took_us: int
    period_s: int
    timeout_ms: int


class LinePlan(namedtuple("LinePlan", (
        "line", "meters", "took_us", "first_us", "dead_us", "fill_us", "period_s"))):
    """One line. `took_us` of each `period_s`, the shortest of its meters'; those that are read less
    often take their part of it on average. Four dead meters cost `first_us` once and then `dead_us`
    of each sweep; after an outage a day of every meter's load profile takes `fill_us`, about.
    """

    __slots__ = ()
    line: str
    meters: tuple[MeterPlan, ...]
    took_us: int
    first_us: int
    dead_us: int
    fill_us: int
    period_s: int


def plan(config: Config, models: dict[str, Model], baud: int = 0) -> list[LinePlan]:
    """The plan of each line. With `baud` the lines would have that one; meters with characters of
    their own keep them.
    """
    found = []
    sets = Sets(config, models)
    for line in config.lines:
        with_baud = line if not baud else type(line)(
            line.name, line.port, baud, line.parity, line.stop_bits, line.data_bits)
        meters = []
        fill_us = 0
        for index, meter in enumerate(config.meters):
            if meter.line == line.name:
                model = models[meter.model]
                setting = setting_of(model, with_baud, config.characters[index])
                meters.append(_together([
                    _meter(meter, _part(model, portion), setting, is_network(line.port),
                           portion.schedule.period_s) for portion in sets.of(index)]))
                fill_us += _day_us(model, setting)
        found.append(_line(line.name, tuple(meters), fill_us, config.schedule.period_s))
    return found


def _together(parts: list[MeterPlan]) -> MeterPlan:
    """A meter of its register sets. Those that are due together are read in one visit, which costs
    less than is planned here.
    """
    if len(parts) == 1:
        return parts[0]
    one = parts[0]
    period_s = min([part.period_s for part in parts])
    sizes = [part.size for part in parts if part.size is not None]
    return MeterPlan(
        one.serial, one.model, one.protocol, one.setting, sum(sizes) if sizes else None,
        sum([part.turns for part in parts]),
        sum([part.took_us * period_s // part.period_s for part in parts]), period_s, one.timeout_ms)


def _part(model: Model, portion: Portion) -> Model:
    """The model as one portion of its registers has it."""
    if len(portion.places) == len(model.registers):
        return model
    return Model(model.model, model.make, model.label, model.protocol, model.source, model.licence,
                 tuple([model.registers[place] for place in portion.places]), model.manner)


def sentences(config: Config, models: dict[str, Model]) -> list[str]:
    """What a person should know of the plan; empty when every line fits with room to spare."""
    said = []
    for line in plan(config, models):
        period_s = line.period_s
        unknown = [meter for meter in line.meters if meter.size is None]
        if unknown:
            said.append("line %s: %d meters speak %s, whose cost is not known: they are not "
                        "counted." % (line.line, len(unknown), unknown[0].protocol))
        took_s = (line.took_us + 999999) // 1000000
        if line.took_us > period_s * 1000000:
            said.append("line %s: %s %s of every %s: %s." % (
                line.line, _who(line), duration(took_s), duration(period_s),
                _remedy(config, models, line)))
        elif line.took_us > spread_s(period_s) * 1000000:
            said.append("line %s: %s %s, but the readings of one sweep are of one moment only when "
                        "it ends within %s: %s." % (
                            line.line, _who(line), duration(took_s), duration(spread_s(period_s)),
                            _remedy(config, models, line)))
        elif _is_overfull(line, period_s):
            said.append("line %s: %s %s of every %s, and a day of load profile of each, which is "
                        "filled in after an outage, %s more: %s." % (
                            line.line, _who(line), duration(took_s), duration(period_s),
                            duration(line.fill_us // 1000000), _remedy(config, models, line)))
        elif line.took_us * FREE_SHARE > period_s * 1000000 * (FREE_SHARE - 1):
            said.append("line %s: %s %s of every %s, which leaves little for re-reads, commands "
                        "and back-fill: %s." % (
                            line.line, _who(line), duration(took_s), duration(period_s),
                            _remedy(config, models, line)))
    return said


def fits(config: Config, models: dict[str, Model]) -> bool:
    """Whether every line's sweep ends within the period and is of one moment, and leaves room for
    a day of back-fill.
    """
    return all(
        line.took_us <= 1000000 * min(line.period_s, spread_s(line.period_s))
        and not _is_overfull(line, line.period_s) for line in plan(config, models))


def spread_s(period_s: int) -> int:
    """How long a sweep may take for its readings to be of one moment."""
    return max(period_s // SPREAD_SHARE, SPREAD_LEAST_S)


def _is_overfull(line: LinePlan, period_s: int) -> bool:
    """Whether sweep and back-fill together leave less than a quarter of the period free."""
    both_us = line.took_us + line.fill_us
    return line.fill_us > 0 and both_us * FREE_SHARE > period_s * 1000000 * (FREE_SHARE - 1)


def duration(seconds: int) -> str:
    """Like 2 h 10 min, 45 min, 12 s."""
    if seconds >= 3600:
        minutes = seconds % 3600 // 60
        return "%d h %d min" % (seconds // 3600, minutes) if minutes else "%d h" % (seconds // 3600)
    if seconds >= 120:
        return "%d min" % (seconds // 60)
    return "%d s" % seconds


def _meter(
        meter: Meter, model: Model, setting: Setting, is_network: bool, period_s: int,
) -> MeterPlan:
    cost = getattr(entry_of(model.protocol), "cost", None)
    if cost is None:
        return MeterPlan(meter.serial, model.model, model.protocol, setting, None, 0, 0,
                         period_s, meter.timeout_ms)
    size, turns = cost(model)
    if model.protocol in CIPHERED:
        size, turns = cost(model, meter.access, period_s)
    bits = setting.bits_per_character()
    baud = NETWORK_BAUD if is_network and model.protocol in NETWORKED else setting.baud
    pace = pace_of(model, setting.baud, bits)
    took_us = size * bits * 1000000 // baud + turns * (pace.delay_us + pace.quiet_us)
    return MeterPlan(
        meter.serial, model.model, model.protocol, setting, size, turns, took_us, period_s,
        meter.timeout_ms)


def _day_us(model: Model, setting: Setting) -> int:
    """A day of the model's load profile, in frames of 128 bytes; 0 for one that keeps none."""
    columns = len(profile_columns(model))
    if not columns:
        return 0
    rows = DAY_S // (getattr(model.manner.profile, "period_s", 0) or CAPTURE_S)
    size = PROFILE_BYTES + rows * (ROW_BYTES + COLUMN_BYTES * columns)
    turns = 1 + size // FRAME_BYTES
    pace = pace_of(model, setting.baud, setting.bits_per_character())
    return (size * setting.bits_per_character() * 1000000 // setting.baud
            + turns * (pace.delay_us + pace.quiet_us))


def _line(
        name: str, meters: tuple[MeterPlan, ...], fill_us: int, otherwise_s: int) -> LinePlan:
    shortest_s = min([meter.period_s for meter in meters] or [otherwise_s])
    # The dead cost most when they are those with the longest timeouts.
    waits = sorted([meter.timeout_ms for meter in meters])[-DEAD:]
    probes_us = sorted([_probe_us(meter) for meter in meters])[-DEAD:]
    first_us = sum(waits) * 1000 + sum(probes_us)
    owed = (len(waits) + PROBE_EVERY - 1) // PROBE_EVERY
    return LinePlan(
        name, meters, sum([meter.took_us * shortest_s // meter.period_s for meter in meters]),
        first_us, sum(probes_us[-owed:]) if owed else 0, fill_us, shortest_s)


def _probe_us(meter: MeterPlan) -> int:
    """What a probe costs: twice the delay that it is known to have, and a margin."""
    delay_us = meter.took_us // meter.turns if meter.turns else 0
    return min(2 * delay_us + MARGIN_MS * 1000, meter.timeout_ms * 1000)


def _who(line: LinePlan) -> str:
    spoken = sorted({meter.protocol for meter in line.meters})
    bauds = sorted({meter.setting.baud for meter in line.meters})
    kind = "%s " % _SPOKEN.get(spoken[0], spoken[0]) if len(spoken) == 1 else ""
    return "%d %smeter%s at %s baud take%s" % (
        len(line.meters), kind, "s" if len(line.meters) != 1 else "",
        " and ".join(["%d" % baud for baud in bauds]), "s" if len(line.meters) == 1 else "")


_SPOKEN = {
    "modbus-rtu": "Modbus", "modbus-tcp": "Modbus TCP", "dlms-hdlc": "DLMS",
    "dlms-wrapper": "DLMS", "iec62056-21": "IEC 62056-21", "mbus": "M-Bus", "pulse": "pulse",
}


def _remedy(config: Config, models: dict[str, Model], line: LinePlan) -> str:
    """What to do: the least baud with room to spare, and how many lines do it at this one."""
    room_us = line.period_s * 1000000 // FREE_SHARE * (FREE_SHARE - 1)
    spread_us = 1000000 * spread_s(line.period_s)
    lines = max(2, (line.took_us + line.fill_us) // room_us + 1, -(-line.took_us // spread_us))
    lines = min(lines, len(line.meters))
    share = "share them among %d lines" % lines if lines > 1 else "give it fewer registers"
    now = [one.baud for one in config.lines if one.name == line.line][0]
    for baud in BAUDS:
        if baud > now:
            for faster in plan(config, models, baud):
                if faster.line == line.line and faster.took_us <= spread_us and (
                        faster.took_us + faster.fill_us <= room_us):
                    return "raise the baud to at least %d, or %s" % (baud, share)
    return "no baud is enough: %s, or raise the period (schedule.period_s)" % share
