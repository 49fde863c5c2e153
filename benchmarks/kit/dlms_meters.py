"""DLMS meters of a paced line: twelve registers, a clock, and a load profile of hours.

The simulator's COSEM server and HDLC link answer; here they are put on one wire, each at its
address, with rows up to this hour. With GMAC each shares one set of keys, as on a test bench.
"""

import time

from kit.street import QUANTITIES
from wum_edge.meters.dlms import acse, axdr, hdlc
from wum_edge.meters.dlms.ciphering import Keys
from wum_edge.meters.dlms.objects import Capture
from wum_edge.ports.linux.aes_gcm import AesGcm
from wum_shared.obis import obis_from_text
from wum_shared.units import unit_from_text
from wum_simulator.meters.dlms_cosem import Client, CosemMeter
from wum_simulator.meters.dlms_link import ServerLink
from wum_simulator.meters.dlms_objects import Clock, Habits, Profile, Stored, register
from wum_simulator.meters.server import Said, Server

HOUR_S = 3600
COLUMNS = 4                  # Energies of each hour.
CLIENT = 16
KEYS = Keys(bytes(range(16)), bytes(range(0xD0, 0xE0)))
_PROFILE = obis_from_text("1-0:99.1.0")
_PROTECTION = 0x30           # Authenticated and encrypted.


def dlms_entry() -> dict[str, object]:
    """The type of these meters."""
    return {
        "model": "twelve-in-a-list", "make": "Benchmark", "label": "DLMS",
        "protocol": "dlms-hdlc", "source": "this benchmark", "licence": "facts",
        "profile": {"obis": "1-0:99.1.0", "period_s": HOUR_S, "columns": [
            {"register": name} for name, _, _ in QUANTITIES[:COLUMNS]]},
        "registers": [{"name": name, "obis": obis, "unit": unit, "scaler": _scaler(unit)}
                      for name, obis, unit in QUANTITIES],
    }


def plain_access() -> dict[str, object]:
    """How the gateway reaches them: addresses of one byte, which do for a line of 64."""
    return {"address_bytes": 1}


def gmac_access() -> dict[str, object]:
    """How the gateway reaches them with high level security."""
    return {**plain_access(), "authentication": "hls-gmac", "protection": "both",
            "system_title": "57554d0000000001", "encryption_key": KEYS.encryption.hex(),
            "authentication_key": KEYS.authentication.hex()}


class DlmsMeters(Server):
    """Meters at server addresses of one byte, from 1 on."""

    protocols = ("dlms-hdlc",)

    def __init__(self, count: int, said: Said, *, is_secured: bool) -> None:
        self._said = said
        self._heard = b""
        self._links = {hdlc.server_address(number, 0, 1): (number, _link(number, is_secured))
                       for number in range(1, count + 1)}

    def hear(self, data: bytes) -> None:
        """Bytes from the wire, in any pieces."""
        self._heard += data
        frames = hdlc.Scanner().scan(self._heard)
        if frames:
            self._heard = b""
        for frame in frames:
            number, link = self._links.get(frame.destination, (0, None))
            if link is not None and (answer := link.hear(frame)):
                self._said(answer, number, None)

    def forget(self) -> None:
        """A piece of a frame is no part of what comes next."""
        self._heard = b""


def _link(number: int, is_secured: bool) -> ServerLink:
    clock = Clock(lambda: int(time.time()), lambda to_s: None)
    registers = [
        register(obis_from_text(obis), lambda place=place: 1000 * number + place, _scaler(unit),
                 unit_from_text(unit), axdr.UINT32 if ".8." in obis else axdr.UINT16)
        for place, (_, obis, unit) in enumerate(QUANTITIES)]
    now_s = int(time.time())
    rows = [Stored(now_s // HOUR_S * HOUR_S - HOUR_S * back,
                   [axdr.Data(axdr.UINT32, 1000 * number + back) for _ in range(COLUMNS)])
            for back in range(23, -1, -1)]
    columns = [Capture(3, one.obis, 2, 0) for one in registers[:COLUMNS]]
    profile = Profile(_PROFILE, clock, columns, HOUR_S, lambda: rows, Habits())
    client = Client(acse.HLS_GMAC, b"", _PROTECTION) if is_secured else Client()
    cosem = CosemMeter([clock, *registers, profile], {CLIENT: client}, b"WUM%05d" % number,
                       AesGcm() if is_secured else None, KEYS if is_secured else None)
    return ServerLink(hdlc.server_address(number, 0, 1), cosem.answer, cosem.gone)


def _scaler(unit: str) -> int:
    return {"V": -1, "A": -2, "": -3}.get(unit, 0)
