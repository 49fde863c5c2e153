"""The [mesh] part of a configuration, checked: role, channel, modem, neighbours by UDP.

Left out: keys and address, which are provisioned (ports/linux/mesh_keys.py). The channel must lie
in a sub-band of the region with all its width, and its power within what that allows.
"""

from collections import namedtuple

from wum_edge.document import Table, shown
from wum_edge.mesh.airtime import BANDWIDTHS_HZ, WIRE, Modulation, modulation
from wum_edge.mesh.regions import REGIONS, sub_band
from wum_edge.modem import rui3_words
from wum_shared.mesh import GROUPS_MAX, MEMBERSHIPS_MAX

GATEWAY, STATION, STANDBY = "gateway", "station", "standby"
STANDBY_AFTER_S = 60         # mesh/role.py's; a gateway without a mesh does not load that.
PEERS_MAX = 16
PORT = 5757                  # UDP; any other does as well, if all neighbours have it.
MODEMS = ("rui3", "sx126x")     # A modem of its own; the radio of a board.
# Whole milliwatts (ERP) of whole dBm, 5..27: a modem is told dBm, a law milliwatts.
_MILLIWATTS = {5: 4, 6: 4, 7: 6, 8: 7, 9: 8, 10: 10, 11: 13, 12: 16, 13: 20, 14: 25, 15: 32, 16: 40,
               17: 50, 18: 63, 19: 79, 20: 100, 21: 126, 22: 158}


class MeshModem(namedtuple("MeshModem", ("kind", "port", "sync_word", "looks_first"))):
    """A modem: its kind (one of MODEMS), device, and two settings of the channel."""

    __slots__ = ()
    kind: str
    port: str
    sync_word: int
    looks_first: bool


class MeshUdp(namedtuple("MeshUdp", ("listen", "peers", "group", "interface"))):
    """Neighbours by UDP: (host, port) of ours, of known peers, and of a group or None."""

    __slots__ = ()
    listen: tuple[str, int]
    peers: tuple[tuple[str, int], ...]
    group: tuple[str, int] | None
    interface: str


class MeshSetting(namedtuple("MeshSetting", (
        "role", "region", "frequency_hz", "power_dbm", "way", "duty_permyriad", "modem", "udp",
        "report_s", "standby_after_s", "groups"))):
    """`way` is the radio's one modulation; `modem` and `udp` are None where there is none;
    `report_s`: how often the head-end is told where this station stands; `standby_after_s`: how
    long, and up to twice as long, a standby is without a gateway before it is one; `groups`: those
    whose orders are meant for it, in rising order.
    """

    __slots__ = ()
    role: str
    region: str
    frequency_hz: int
    power_dbm: int
    way: Modulation
    duty_permyriad: int
    modem: MeshModem | None
    udp: MeshUdp | None
    report_s: int
    standby_after_s: int
    groups: tuple[int, ...]

    @property
    def ways(self) -> list[Modulation]:
        """As the relay wants them: alike at every station, so with the wire in any case."""
        return [self.way, WIRE]


def check_mesh(table: Table) -> MeshSetting:
    """The setting in `table`, mistakes complained of there."""
    role = str(table.choice("role", (GATEWAY, STATION, STANDBY)))
    region = str(table.choice("region", tuple(sorted(REGIONS)), "EU868"))
    frequency_hz = table.number("frequency_hz", 150_000_000, 960_000_000, 869_525_000)
    power_dbm = table.number("power_dbm", 5, 22, 14)
    way = modulation(
        table.number("spreading_factor", 6, 12, 7),
        _whole(table.choice("bandwidth_hz", (250_000, 125_000, 500_000), 250_000)),
        4 + table.number("coding_rate", 1, 4, 1))
    duty = _duty(table, role, region, frequency_hz, power_dbm, way)
    modem = _modem(table.table("modem"), way) if table.has("modem") else None
    udp = _udp(table.table("udp")) if table.has("udp") else None
    if modem is None and udp is None:
        table.complain("", "a modem ([mesh.modem]), neighbours by UDP ([mesh.udp]), or both",
                       "none of them")
    report_s = table.number("report_s", 10, 86400, 900)
    if role != STANDBY and table.has("standby_after_s"):
        table.complain("standby_after_s", 'nothing, or role = "standby"', 'role = "%s"' % role)
    standby_after_s = table.number("standby_after_s", 5, 3600, STANDBY_AFTER_S)
    groups = _groups(table)
    table.done()
    return MeshSetting(role, region, frequency_hz, power_dbm, way, duty, modem, udp, report_s,
                       standby_after_s, groups)


def _groups(table: Table) -> tuple[int, ...]:
    given = table.given("groups") if table.has("groups") else []
    known = [one for one in given if type(one) is int and 0 <= one < GROUPS_MAX] if (
        type(given) is list) else []
    if type(given) is not list or len(known) < len(given) or len(given) > MEMBERSHIPS_MAX:
        table.complain("groups", "a list of at most %d numbers of 0 to %d" % (
            MEMBERSHIPS_MAX, GROUPS_MAX - 1), shown(given))
        return ()
    return tuple(sorted(set(known)))


def _duty(table: Table, role: str, region: str, frequency_hz: int, power_dbm: int,
          way: Modulation) -> int:
    """The law's share for this role, in 1/10,000."""
    failure = ""
    try:
        band = sub_band(region, frequency_hz, way.bandwidth_hz)
    except ValueError as error:
        failure = str(error)
    if failure:
        table.complain("frequency_hz", "a channel that lies in a sub-band of %s" % region, failure)
        return 1
    if _MILLIWATTS[power_dbm] > band.power_mw:
        table.complain("power_dbm", "at most %d mW in %s MHz" % (band.power_mw, band.name),
                       "%d dBm, which is %d mW" % (power_dbm, _MILLIWATTS[power_dbm]))
    return band.gateway_permyriad if role == GATEWAY else band.duty_permyriad


def _modem(table: Table, way: Modulation) -> MeshModem:
    kind = str(table.choice("kind", MODEMS, "rui3"))
    found = MeshModem(kind, table.text("port"), table.number("sync_word", 0, 0xFFFF, 0x1424),
                      table.truth("looks_first", True))
    if kind == "rui3" and not rui3_words.can_make(way):
        table.complain("kind", "a modem that can make the channel",
                       "rui3, which has no SF%d at %d Hz" % (
                           way.spreading_factor, way.bandwidth_hz))
    table.done()
    return found


def _udp(table: Table) -> MeshUdp:
    peers = []
    given = table.given("peers") if table.has("peers") else []
    if type(given) is not list or len(given) > PEERS_MAX:
        table.complain("peers", "a list of at most %d addresses" % PEERS_MAX, shown(given))
        given = []
    assert type(given) is list
    for one in given:
        peer = address_of(one) if type(one) is str else None
        if peer is None:
            table.complain("peers", 'addresses like "192.0.2.7:%d"' % PORT, shown(one))
        else:
            peers.append(peer)
    found = MeshUdp(_address(table, "listen", "0.0.0.0:%d" % PORT), tuple(peers),
                    _group(table), table.optional_text("interface"))
    table.done()
    return found


def _group(table: Table) -> tuple[str, int] | None:
    text = table.optional_text("group")
    if not text:
        return None
    found = address_of(text)
    first = found[0].split(".")[0] if found else ""
    if found is None or not first.isdigit() or not 224 <= int(first) <= 239:
        table.complain("group", 'a multicast address like "239.87.85.77:%d"' % PORT, shown(text))
        return None
    return found


def _address(table: Table, key: str, default: str) -> tuple[str, int]:
    text = table.text(key, default)
    found = address_of(text)
    if found is None:
        table.complain(key, 'HOST:PORT, like "%s"' % default, shown(text))
        return "0.0.0.0", PORT
    return found


def address_of(text: str) -> tuple[str, int] | None:
    """(host, port); None for what is no address."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        return None
    return host, int(port)


def _whole(value: object) -> int:
    assert type(value) is int and value in BANDWIDTHS_HZ
    return value
