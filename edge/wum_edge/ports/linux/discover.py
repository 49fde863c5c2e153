"""`wum-edge discover`: what a DLMS meter of the configuration has, as a proposed catalogue entry.

Left out: the question itself (meters/dlms/discovery.py), and what is found on an M-Bus line
(discover_mbus.py), which the same command asks for by the line's name. The meter's model in the
configuration may be any of its protocol: only the way to the meter is taken from it.
"""

from pathlib import Path
from typing import TextIO

from wum_edge.document import nearest
from wum_edge.errors import LineGone, MeterError
from wum_edge.meters.catalog import protocols
from wum_edge.meters.dlms.connect import association_for
from wum_edge.meters.dlms.discovery import Found, discover, proposal
from wum_edge.meters.dlms.session import Session
from wum_edge.meters.pace import setting_of
from wum_edge.meters.turn import Setting, converse
from wum_edge.ports.linux import dlms_supply
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.config_file import BadConfigFile, Mistake, own_entries, read_config
from wum_edge.ports.linux.discover_mbus import discover_line
from wum_edge.ports.linux.tcp_line import line_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.meters.reader import Conversation


def discover_meter(
        serial: str, path: Path, out: TextIO, complaints: TextIO, *, primary: bool = False) -> int:
    """Print the proposal as JSON. Returns 0 when the meter gave its list, else 1.

    Where `serial` is the name of a line, its M-Bus meters are searched and printed; `primary`: by
    their primary addresses.
    """
    models = read_catalog(own_entries(path))
    checked = read_config(path, protocols(models), files=False)
    for own in checked.lines:
        if own.name == serial and serial not in [meter.serial for meter in checked.meters]:
            if own.has_inputs():
                print(f"line {own.name}: pulse inputs have nothing that could be searched: "
                      "`wum-edge catalog try` counts one of them", file=complaints)
                return 1
            return discover_line(own, models, out, complaints, primary=primary)
    serials = [meter.serial for meter in checked.meters
               if models[meter.model].protocol.startswith("dlms")]
    if serial not in serials:
        near = "" if serial in [one.serial for one in checked.meters] else nearest(
            serial, serials + [line.name for line in checked.lines])
        wanted = "the serial of a DLMS meter, or the name of an M-Bus line, in the file" + (
            f" (did you mean {near}?)" if near else "")
        spoken = [models[one.model].protocol for one in checked.meters if one.serial == serial]
        got = f'"{serial}"' + (f", which speaks {spoken[0]}" if spoken else "")
        raise BadConfigFile(path, [Mistake(0, "METER", wanted, got)])
    place = [meter.serial for meter in checked.meters].index(serial)
    meter = checked.meters[place]
    model = models[meter.model]
    line = next(one for one in checked.lines if one.name == meter.line)
    dlms_supply.install_alone(Path(checked.concentrator.keys))
    try:
        session = Session(association_for(model.manner, meter, model.protocol),
                          model.manner.list_max)
        wire = line_of(line)
        try:
            found = converse(_visit(session, setting_of(
                model, line, checked.characters[place])), wire)
        finally:
            wire.close()
    except (MeterError, LineGone) as error:
        print(f"{serial}: {error}", file=complaints)
        return 1
    print(proposal(found, "discovered", model.protocol), end="", file=out)
    return 0


def _visit(session: Session, setting: Setting) -> "Conversation[Found]":
    yield setting
    yield from session.association.open()
    found = yield from discover(session)
    yield from session.association.close()
    return found
