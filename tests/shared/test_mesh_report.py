"""Mesh reports: there and back, and what is refused."""

from tests.portable import raises
from tests.shared.examples import MESH_REPORT, MESH_REPORT_ALONE, MESH_REPORT_IN_GROUPS
from wum_shared import cbor
from wum_shared.errors import Malformed, Unsupported
from wum_shared.mesh import (
    LINKS_MAX,
    MeshLink,
    MeshReport,
    decode_mesh_report,
    encode_mesh_report,
)


def test_a_report_comes_back_as_it_was():
    for report in (MESH_REPORT, MESH_REPORT_ALONE, MESH_REPORT_IN_GROUPS):
        assert decode_mesh_report(encode_mesh_report(report)) == report


def test_a_full_report_has_room():
    links = tuple([MeshLink(65023 - at, 1, 100, -400, 86400) for at in range(LINKS_MAX)])
    report = MeshReport(*(tuple(MESH_REPORT)[:-2] + (links, tuple(range(240, 256)))))
    assert decode_mesh_report(encode_mesh_report(report)) == report


def refused(value, error=Malformed):
    return raises(error, lambda: decode_mesh_report(cbor.encode(value)))


def test_what_no_station_says_is_refused():
    good = cbor.decode(encode_mesh_report(MESH_REPORT), most_bytes=4096)
    for place, wrong in ((1, 0), (2, 0), (2, 65024), (3, -1), (4, 1), (5, 65024), (6, 65536),
                         (7, -1), (8, 65536), (9, 1001), (10, 9)):
        refused(good[:place] + [wrong] + good[place + 1:])
    for links in ([[7, 0, 50, 0, 0]] * 2, [[0, 0, 50, 0, 0]], [[7, 2, 50, 0, 0]],
                  [[7, 0, 101, 0, 0]], [[7, 0, 50, 801, 0]], [[7, 0, 50, 0, 86401]], [[7, 0, 50]]):
        refused(good[:11] + [links])
    refused([2] + good[1:], Unsupported)
    refused(good + [0])


def test_groups_make_it_another_version_and_who_has_none_speaks_the_first():
    plain, grouped = [cbor.decode(encode_mesh_report(one), most_bytes=4096)
                      for one in (MESH_REPORT, MESH_REPORT_IN_GROUPS)]
    assert (plain[0], len(plain), grouped[0], grouped[1:12]) == (0, 12, 1, plain[1:])
    for groups in ([], [7, 7], [7, 0], [256], [-1], list(range(17)), None):
        refused(grouped[:12] + [groups])
    refused(grouped[:12])
    refused([True] + grouped[1:])
    refused(grouped + [0])
