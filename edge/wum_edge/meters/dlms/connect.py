"""From one meter's configuration to its station and association.

Left out: the conversations (reader.py). IEC 62056-46 and -47.
"""

from wum_edge.meters.dlms import acse, hdlc
from wum_edge.meters.dlms.association import Association, Credentials
from wum_edge.meters.dlms.ciphering import Keys, Security
from wum_edge.meters.dlms.entry import MODE_E
from wum_edge.meters.dlms.resync import PUBLIC_CLIENT, CounterObject
from wum_edge.meters.dlms.station import HdlcStation, Station, WrapperStation
from wum_edge.meters.dlms.supply import Supply, installed

TYPE_CHECKING = False        # True for type checkers only.
if TYPE_CHECKING:
    from wum_edge import config
    from wum_edge.meters.dlms.entry import Access, Manner


def association_for(manner: "Manner", meter: "config.Meter", protocol: str,
                    supply: Supply | None = None) -> Association:
    """Made, not opened. `supply` is the port's where none is given. Raises MeterError."""
    access = meter.access
    station = station_for(manner, meter, protocol, access.client)
    ciphers = access.protection or access.mechanism == acse.HLS_GMAC
    chance = None
    security = None
    if ciphers or access.mechanism >= acse.HLS:
        supply = supply or installed()
        chance = supply.chance
    if ciphers and supply is not None:
        security = Security(
            supply.cipher, supply.counters,
            Keys(access.encryption_key, access.authentication_key), access.system_title,
            context_name(meter.serial, access), access.protection,
            access.invocation_counter)
    source = None
    if security is not None and manner.counter is not None and access.client != PUBLIC_CLIENT:
        public = Association(station_for(manner, meter, protocol, PUBLIC_CLIENT),
                             Credentials(acse.LOWEST, b"", False), None, None)
        source = CounterObject(public, manner.counter)
    return Association(station, Credentials(access.mechanism, access.secret, access.dedicated),
                       security, chance, source)


def station_for(
        manner: "Manner", meter: "config.Meter", protocol: str, client: int) -> Station:
    """How the meter is reached: HDLC on a serial line, or the wrapper behind Ethernet."""
    access, number = meter.access, int(meter.address)
    timeout_ms = meter.timeout_ms + manner.quirks.late_ms
    if protocol == "dlms-wrapper":
        return WrapperStation(number, client, timeout_ms)
    if access.address_bytes == 1:
        server = hdlc.server_address(number & 0x7F, 0, 1)
    else:
        server = hdlc.server_address(access.logical, number, access.address_bytes)
    wanted = hdlc.Parameters(manner.information_bytes, manner.information_bytes, manner.window,
                             manner.window)
    if manner.sign_on == MODE_E:
        from wum_edge.meters.dlms.door import DoorStation  # Late: few meters have one.
        return DoorStation(server, hdlc.client_address(client), wanted, timeout_ms,
                           access.sign_on_address)
    return HdlcStation(server, hdlc.client_address(client), wanted, timeout_ms)


def context_name(serial: str, access: "Access") -> str:
    """The security context of one meter and client, for its counters."""
    return "%s/%d/%s" % (serial, access.client, access.system_title.hex())
