"""[mesh] in a configuration: what is taken, what has a default, what law or modem refuses."""

from tests.edge.samples import document
from wum_edge.carry.setting import GATEWAY, STANDBY, STATION, address_of
from wum_edge.config import check
from wum_edge.errors import ConfigError
from wum_edge.mesh.airtime import WIRE
from wum_edge.mesh.role import PATIENCE_US

MODELS = {"two-and-one": "modbus-rtu"}
MODEM = {"port": "/dev/ttyUSB1"}


def with_mesh(mesh, keeps_broker=False):
    found = document(2)
    found["mesh"] = mesh
    if not keeps_broker:
        found.pop("broker")
    return found


def mistakes(mesh, keeps_broker=False):
    try:
        check(with_mesh(mesh, keeps_broker), MODELS)
    except ConfigError as error:
        return error.mistakes
    return []


def only(mesh, keeps_broker=False):
    found = mistakes(mesh, keeps_broker)
    assert len(found) == 1, found
    return found[0]


def test_a_station_has_no_broker_and_a_gateway_has_one():
    config = check(with_mesh({"role": "station", "modem": MODEM}), MODELS)
    assert config.broker is None and config.mesh.role == STATION
    config = check(with_mesh({"role": "gateway", "modem": MODEM}, True), MODELS)
    assert config.broker is not None and config.mesh.role == GATEWAY
    assert only({"role": "station", "modem": MODEM}, True)[0] == "broker"
    assert mistakes({"role": "gateway", "modem": MODEM})[0][0] == "broker.host"
    assert check(document(2), MODELS).mesh is None


def test_a_standby_has_a_broker_and_says_when_it_steps_in():
    own = {"role": "standby", "modem": MODEM}
    config = check(with_mesh(own, True), MODELS)
    assert config.broker is not None and config.mesh.role == STANDBY
    assert config.mesh.standby_after_s == PATIENCE_US // 1_000_000
    own["standby_after_s"] = 5
    assert check(with_mesh(own, True), MODELS).mesh.standby_after_s == 5
    assert mistakes({"role": "standby", "modem": MODEM})[0][0] == "broker.host"
    own.update(standby_after_s=4)
    assert only(own, True)[0] == "mesh.standby_after_s"
    own.update(standby_after_s=5, role="gateway")
    assert only(own, True)[0] == "mesh.standby_after_s"


def test_what_is_left_out_has_a_default_within_the_law():
    mesh = check(with_mesh({"role": "station", "modem": MODEM}), MODELS).mesh
    assert (mesh.region, mesh.frequency_hz, mesh.power_dbm) == ("EU868", 869_525_000, 14)
    assert mesh.duty_permyriad == 1000 and mesh.report_s == 900
    assert (mesh.way.spreading_factor, mesh.way.bandwidth_hz) == (7, 250_000)
    assert mesh.ways[-1] == WIRE and len(mesh.ways) == 2
    assert mesh.modem == ("rui3", "/dev/ttyUSB1", 0x1424, True) and mesh.udp is None


def test_a_share_of_the_hour_follows_band_and_role():
    own = {"frequency_hz": 866_300_000, "bandwidth_hz": 125_000, "modem": MODEM}
    assert check(with_mesh(dict(own, role="station")), MODELS).mesh.duty_permyriad == 250
    assert check(with_mesh(dict(own, role="gateway"), True), MODELS).mesh.duty_permyriad == 1000


def test_a_channel_that_leaves_its_sub_band_and_too_much_power_are_refused():
    path, wanted, got = only({"role": "station", "modem": MODEM, "frequency_hz": 869_600_000})
    assert path == "mesh.frequency_hz" and "sub-band of EU868" in wanted and "869400000" in got
    path, wanted, got = only({"role": "station", "modem": MODEM, "frequency_hz": 868_300_000,
                              "power_dbm": 20})
    assert path == "mesh.power_dbm" and "25 mW" in wanted and "100 mW" in got


def test_udp_is_checked_address_by_address():
    udp = {"peers": ["192.0.2.7:5757"], "group": "239.87.85.77:5757", "interface": "wlan0"}
    mesh = check(with_mesh({"role": "station", "udp": udp}), MODELS).mesh
    assert mesh.udp == (("0.0.0.0", 5757), (("192.0.2.7", 5757),), ("239.87.85.77", 5757), "wlan0")
    for key, wrong in (("listen", "nowhere"), ("listen", "h:0"), ("peers", "192.0.2.7:5757"),
                       ("peers", ["192.0.2.7"]), ("peers", [5757]), ("peers", ["h:1"] * 17),
                       ("group", "192.0.2.1:5757")):
        assert only({"role": "station", "udp": {key: wrong}})[0] == "mesh.udp." + key


def test_groups_are_numbers_in_order_and_not_too_many():
    own = {"role": "station", "modem": MODEM}
    assert check(with_mesh(own), MODELS).mesh.groups == ()
    assert check(with_mesh(dict(own, groups=[255, 0, 7, 7])), MODELS).mesh.groups == (0, 7, 255)
    for wrong in (7, "7", [256], [-1], [True], ["7"], list(range(17))):
        assert only(dict(own, groups=wrong))[0] == "mesh.groups"


def test_a_mesh_without_a_port_or_with_a_word_too_much_is_refused():
    assert only({"role": "station"})[0] == "mesh"
    assert only({"role": "relay", "modem": MODEM}, True)[0] == "mesh.role"
    assert only({"role": "station", "modem": MODEM, "frequenzy_hz": 1})[0] == "mesh.frequenzy_hz"
    assert only({"role": "station", "modem": {"port": "p", "kind": "e22"}})[0] == "mesh.modem.kind"
    assert only({"role": "station", "modem": {}})[0] == "mesh.modem.port"


def test_addresses():
    assert address_of("h:1") == ("h", 1) and address_of("h:65535") == ("h", 65535)
    for text in ("", "h", ":1", "h:", "h:0", "h:65536", "h:x"):
        assert address_of(text) is None
