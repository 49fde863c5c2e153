"""The reader of one meter, by the protocol of its model.

Left out: what a reader does (reader.py) and the protocols (meters/modbus/, ...). A protocol is
imported with its first meter: a board has no memory for those that it does not speak.
"""

TYPE_CHECKING = False        # True for type checkers only.
if TYPE_CHECKING:
    from wum_edge import config
    from wum_edge.clock import Clock
    from wum_edge.meters.catalog import Model
    from wum_edge.meters.reader import Reader


def reader_for(model: "Model", meter: "config.Meter", clock: "Clock") -> "Reader":
    """A reader for `meter`, which is of `model`. Each protocol takes of these what it needs."""
    return _READERS[model.protocol](model, meter, clock)


def _modbus(model: "Model", meter: "config.Meter", clock: "Clock") -> "Reader":
    from wum_edge.meters.modbus.reader import ModbusReader  # Late: only what is spoken.
    return ModbusReader(model, meter, clock)


def _iec62056_21(model: "Model", meter: "config.Meter", clock: "Clock") -> "Reader":
    from wum_edge.meters.iec62056_21.reader import IecReader  # Late: only what is spoken.
    return IecReader(model, meter, clock)


def _mbus(model: "Model", meter: "config.Meter", clock: "Clock") -> "Reader":
    from wum_edge.meters.mbus.reader import MbusReader  # Late: only what is spoken.
    return MbusReader(model, meter, clock)


def _dlms(model: "Model", meter: "config.Meter", clock: "Clock") -> "Reader":
    from wum_edge.meters.dlms.reader import DlmsReader  # Late: only what is spoken.
    return DlmsReader(model, meter, clock)


def _p1(model: "Model", meter: "config.Meter", clock: "Clock") -> "Reader":
    from wum_edge.meters.p1.reader import P1Reader  # Late: only what is spoken.
    return P1Reader(model, meter, clock)


def _sml(model: "Model", meter: "config.Meter", clock: "Clock") -> "Reader":
    from wum_edge.meters.sml.reader import SmlReader  # Late: only what is spoken.
    return SmlReader(model, meter, clock)


def _pulse(model: "Model", meter: "config.Meter", clock: "Clock") -> "Reader":
    from wum_edge.meters.pulse.reader import PulseReader  # Late: only what is spoken.
    return PulseReader(model, meter, clock)


_READERS = {                 # One for each of catalog.PROTOCOLS.
    "dlms-hdlc": _dlms,
    "dlms-wrapper": _dlms,
    "iec62056-21": _iec62056_21,
    "mbus": _mbus,
    "modbus-rtu": _modbus,
    "modbus-tcp": _modbus,
    "p1": _p1,
    "pulse": _pulse,
    "sml": _sml,
}
