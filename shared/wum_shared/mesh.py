"""Mesh report: where a concentrator stands in its mesh, and how well it hears its neighbours.

Sealed by the concentrator like a batch, so that no other station can say it in its name. A picture
of a moment: a report that is lost is made good by the next. Layout: contract.cddl.
"""

from collections import namedtuple

from wum_shared import cbor, fields
from wum_shared.errors import Malformed
from wum_shared.messages import time_field, versioned

LINKS_MAX = 64
ADDRESS_MAX = 0xFDFF
NOBODY = 0                   # No such station: no parent, no gateway.
RANK_MAX = 0xFFFF            # No way to any gateway.
RADIO, WIRE = 0, 1
EVERY_MIN_S = 10
AGE_MAX_S = 86400
MARGIN_Q4_MAX = 400          # In both directions; 0 stands in the middle of what is sent.
GROUPS_MAX = 256
MEMBERSHIPS_MAX = 16         # Groups of one station.
MESH_REPORT_BYTES_MAX = 2048


class MeshLink(namedtuple("MeshLink", ("address", "medium", "quality", "margin_q4", "age_s"))):
    """A neighbour: what of the frames to it arrives, in percent; how far it is heard above what
    the radio needs, in quarters of a dB (0 on a wire); seconds since it was heard.
    """

    __slots__ = ()
    address: int
    medium: int
    quality: int
    margin_q4: int
    age_s: int


class MeshReport(namedtuple("MeshReport", (
        "network", "address", "at_s", "is_gateway", "gateway", "rank", "parent", "held",
        "used_permille", "every_s", "links", "groups"))):
    """`parent` and `gateway` are addresses or NOBODY; `held`: pieces in custody; `used_permille`:
    of the duty that the law allows, in the last hour; `every_s`: how often it reports; `groups`:
    whose ripples it carries out, in rising order.
    """

    __slots__ = ()
    network: int
    address: int
    at_s: int
    is_gateway: bool
    gateway: int
    rank: int
    parent: int
    held: int
    used_permille: int
    every_s: int
    links: tuple[MeshLink, ...]
    groups: tuple[int, ...]


def encode_mesh_report(report: MeshReport) -> bytes:
    """CBOR of a report, to be sealed with the uplink key: in version 0, which every head-end reads,
    unless it tells of groups.
    """
    groups = [list(report.groups)] if report.groups else []
    return cbor.encode([
        1 if groups else 0, report.network, report.address, report.at_s, report.is_gateway,
        report.gateway, report.rank, report.parent, report.held, report.used_permille,
        report.every_s,
        [[link.address, link.medium, link.quality, link.margin_q4 + MARGIN_Q4_MAX, link.age_s]
         for link in report.links]] + groups)


def decode_mesh_report(data: bytes) -> MeshReport:
    """The report in `data`. Raises Malformed, Unsupported."""
    parts, groups = _of_version(data)
    if type(parts[4]) is not bool:
        raise Malformed("mesh report is-gateway: wanted a truth value, got %s" % (
            fields.shown(parts[4])))
    links = [_link(one) for one in fields.items(parts[11], LINKS_MAX, "mesh report links")]
    fields.unlike([link.address for link in links], "mesh report links")
    return MeshReport(
        fields.number(parts[1], 1, 0xFFFF, "mesh report network"),
        fields.number(parts[2], 1, ADDRESS_MAX, "mesh report address"),
        time_field(parts[3], "mesh report at"), parts[4],
        fields.number(parts[5], 0, ADDRESS_MAX, "mesh report gateway"),
        fields.number(parts[6], 0, RANK_MAX, "mesh report rank"),
        fields.number(parts[7], 0, ADDRESS_MAX, "mesh report parent"),
        fields.number(parts[8], 0, 0xFFFF, "mesh report held"),
        fields.number(parts[9], 0, 1000, "mesh report used"),
        fields.number(parts[10], EVERY_MIN_S, AGE_MAX_S, "mesh report every"), tuple(links),
        groups)


def _of_version(data: bytes) -> tuple[list[object], tuple[int, ...]]:
    """(the fields that both versions have, groups)."""
    value = cbor.decode(data, most_bytes=MESH_REPORT_BYTES_MAX)
    if type(value) is not list or not value or type(value[0]) is not int or value[0] != 1:
        return versioned(data, 12, "mesh report", MESH_REPORT_BYTES_MAX), ()
    parts = fields.record(value, 13, "mesh report")
    groups = tuple([fields.number(one, 0, GROUPS_MAX - 1, "mesh report group") for one in
                    fields.items(parts[12], MEMBERSHIPS_MAX, "mesh report groups", least=1)])
    for place, group in enumerate(groups[1:]):
        if group <= groups[place]:
            raise Malformed("mesh report groups: out of order, or one stands twice")
    return parts[:12], groups


def _link(value: object) -> MeshLink:
    parts = fields.record(value, 5, "mesh link")
    return MeshLink(
        fields.number(parts[0], 1, ADDRESS_MAX, "mesh link address"),
        fields.number(parts[1], RADIO, WIRE, "mesh link medium"),
        fields.number(parts[2], 0, 100, "mesh link quality"),
        fields.number(parts[3], 0, 2 * MARGIN_Q4_MAX, "mesh link margin") - MARGIN_Q4_MAX,
        fields.number(parts[4], 0, AGE_MAX_S, "mesh link age"))
