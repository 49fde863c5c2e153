"""What `wum-firmware board` writes, and what it refuses."""

import json
from binascii import crc32

import pytest

from wum_firmware.__main__ import main
from wum_firmware.cipher import public_key
from wum_firmware.sources import VENDOR, class_of

CONFIG = """
[concentrator]
name = "b1"
[broker]
host = "broker.example"
ca_file = "authority.pem"
[[line]]
name = "a"
port = "uart:1"
[[meter]]
serial = "M1"
model = "some-meter"
"""


@pytest.fixture
def words(tmp_path):
    assert main(["provision", "--out", str(tmp_path / "keys"), "--name", "b1"]) == 0
    (tmp_path / "edge.toml").write_text(CONFIG)
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "some-meter.json").write_text('{\n  "model": "some-meter"\n}\n')
    (tmp_path / "catalog" / "other.json").write_text("{}")
    (tmp_path / "authority.pem").write_text("-----BEGIN CERTIFICATE-----")
    (tmp_path / "wifi").write_text("very secret\n")
    return ["board", "--keys", str(tmp_path / "keys"), "--config", str(tmp_path / "edge.toml"),
            "--catalog", str(tmp_path / "catalog"), "--out", str(tmp_path / "out")]


def test_everything_a_board_needs_is_written_for_its_owner_alone(tmp_path, words):
    assert main([*words, "--wifi", "town", "--wifi-key-file", str(tmp_path / "wifi"), "--time",
                 "192.0.2.1:1123", "--uart", "1,tx=17,rx=16,direction=4"]) == 0
    out = tmp_path / "out"
    keys = json.loads((out / "keys.json").read_text())
    assert len(keys["uplink"][0]) == 64 and len(keys["downlink"][1]) == 24
    assert keys["uplink"] != keys["downlink"] and keys["broker_password"]
    assert json.loads((out / "board.json").read_text()) == {
        "uarts": {"1": {"tx": 17, "rx": 16, "direction": 4}},
        "wifi": {"ssid": "town", "key": "very secret"}, "time": {"host": "192.0.2.1", "port": 1123},
        "status_s": 60, "page_port": 80, "console": {}}
    assert json.loads((out / "gateway.json").read_text())["line"][0]["port"] == "uart:1"
    assert [path.name for path in (out / "catalog").iterdir()] == ["some-meter.json"]
    assert (out / "catalog" / "some-meter.json").read_text() == '{"model":"some-meter"}'
    assert (out / "ca.pem").read_text() == "-----BEGIN CERTIFICATE-----"
    assert {path.stat().st_mode & 0o077 for path in out.rglob("*.json")} == {0}


def test_of_a_folder_whose_keys_have_changed_a_board_gets_those_in_force(tmp_path, words):
    keys = tmp_path / "keys"
    own = (keys / "concentrator.toml").read_text()
    (keys / "concentrator.toml").write_text(own.replace("epoch = 0", "epoch = 7"))
    for direction, digit in (("uplink", "a"), ("downlink", "b")):
        (keys / (direction + "-7.key")).write_text(digit * 64 + "\n" + digit * 24 + "\n")
        (keys / (direction + ".key")).unlink()
    assert main(words) == 0
    found = json.loads((tmp_path / "out" / "keys.json").read_text())
    assert (found["epoch"], found["uplink"], found["downlink"]) == (
        7, ["a" * 64, "a" * 24], ["b" * 64, "b" * 24])


def test_a_modem_is_written_with_its_pin_and_name_servers_beside(tmp_path, words):
    (tmp_path / "pin").write_text("1234\n")
    (tmp_path / "key").write_text("their key\n")
    assert main([*words, "--lte", "2,tx=17,rx=16", "--apn", "meters.example", "--sim-pin-file",
                 str(tmp_path / "pin"), "--apn-user", "us", "--apn-key-file",
                 str(tmp_path / "key"), "--dns", "192.0.2.53"]) == 0
    found = json.loads((tmp_path / "out" / "board.json").read_text())
    assert found["lte"] == {"uart": 2, "tx": 17, "rx": 16, "apn": "meters.example", "pin": "1234",
                            "user": "us", "key": "their key"}
    assert found["dns"] == ["192.0.2.53"] and "wifi" not in found


@pytest.mark.parametrize(("more", "said"), [
    (["--lte", "2"], "--apn: wanted the name of the contract's access point, got None"),
    (["--lte", "2", "--apn", 'a"b'], "--apn: wanted"),
    (["--lte", "2,de=4", "--apn", "a"], "wanted like 2,tx=17"),
    (["--lte", "2", "--apn", "a", "--apn-user", "us"], "belong together"),
    (["--lte", "2", "--apn", "a", "--sim-pin-file", __file__], "wanted a PIN of 4 to 8 digits"),
    (["--apn", "a"], "need --lte"),
    (["--wifi", "town"], "belong together"),
    (["--time", "host:http"], "HOST:PORT"),
    (["--dns", "ns.example"], "--dns: wanted an IPv4 address, got ns.example"),
    (["--uart", "1,de=4"], "wanted like 1,tx=17"),
    (["--uart", "one"], "wanted like 1,tx=17"),
])
def test_what_does_not_fit_is_refused_with_a_sentence(words, capsys, more, said):
    assert main([*words, *more]) == 1
    assert said in capsys.readouterr().err


def test_a_model_without_an_entry_is_named(tmp_path, words, capsys):
    (tmp_path / "catalog" / "some-meter.json").unlink()
    assert main(words) == 1
    assert "some-meter.json is missing" in capsys.readouterr().err


def test_a_board_that_is_to_be_claimed_gets_no_keys_and_the_models_that_it_may_be_told_of(
        tmp_path, words):
    del words[1:3]
    assert main([*words, "--model", "other"]) == 0
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "board.json", "ca.pem", "catalog", "gateway.json"]
    assert {path.name for path in (out / "catalog").iterdir()} == {"some-meter.json", "other.json"}


def test_a_box_of_a_warehouse_gives_its_claim_code_and_nothing_else(tmp_path, words, capsys):
    box = tmp_path / "keys"
    for file in box.iterdir():
        file.unlink()
    assert main(words) == 1
    assert "holds neither concentrator.toml nor claim.code" in capsys.readouterr().err
    (box / "claim.code").write_text("a code\n")
    assert main(words) == 0
    assert not (tmp_path / "out" / "keys.json").exists()
    assert (tmp_path / "out" / "keys" / "claim.code").read_text() == "a code\n"
    assert (tmp_path / "out" / "keys" / "claim.code").stat().st_mode & 0o077 == 0


def test_a_model_that_is_asked_for_and_not_there_is_named(words, capsys):
    assert main([*words, "--model", "nobody-knows"]) == 1
    assert "nobody-knows.json is missing" in capsys.readouterr().err


def granted(keys):
    """As `wum-cloud register --trust-to` and `wum-firmware mesh --admit` leave a folder of keys."""
    (keys / "trusted.toml").write_text('root = "%s"\ntenant = "0"\n' % ("cd" * 32))
    (keys / "trust.cose").write_bytes(b"document")
    (keys / "mesh.key").write_text('network = 7\nepoch = 1\naddress = 3\nkey = "%s"\n' % (
        "ef" * 16))


def test_who_knows_the_root_gets_first_keys_to_change_and_keeps_those_that_it_has_changed(
        tmp_path, words):
    assert main(words) == 0
    granted(tmp_path / "keys")
    assert main(words) == 0
    out = tmp_path / "out"
    assert not (out / "keys.json").exists(), "those cannot be changed"
    text, _, check = (out / "keys" / "own").read_text().rpartition("\n")
    own = json.loads(text)
    assert int(check, 16) == crc32(text.encode())
    seed = bytes.fromhex((tmp_path / "keys" / "identity.key").read_text().strip())
    assert (own["seed"], own["key"]) == (seed.hex(), public_key(seed).hex())
    assert (own["root"], own["document"], own["code"]) == ("cd" * 32, b"document".hex(), "")
    assert (own["epoch"], len(own["uplink"][0]), len(own["check"])) == (0, 64, 64)
    mesh = json.loads((out / "mesh.json").read_text())
    assert (mesh["network"], mesh["address"], mesh["key"]) == (7, 3, "ef" * 16)
    assert {(out / name).stat().st_mode & 0o077 for name in ("keys/own", "mesh.json")} == {0}
    (out / "keys" / "own").write_text("of a later epoch")
    assert main(words) == 0
    assert (out / "keys" / "own").read_text() == "of a later epoch"


def invited(keys):
    """As `wum-firmware mesh --invite` leaves a folder of keys."""
    (keys / "mesh.key").unlink(missing_ok=True)
    (keys / "join.key").write_text('network = 7\nkey = "%s"\n' % ("ab" * 16))


def test_a_board_that_was_invited_into_a_mesh_gets_a_key_to_join_by_and_a_gateway_its_guests(
        tmp_path, words):
    assert main(words) == 0
    keys, out = tmp_path / "keys", tmp_path / "out"
    granted(keys)
    guest = {"concentrator": "0b" * 8, "address": 4, "key": "cd" * 16}
    (keys / "door.key").write_text(
        'network = 7\n\n[[guest]]\nconcentrator = "%(concentrator)s"\naddress = %(address)d\n'
        'key = "%(key)s"\n' % guest)
    assert main(words) == 0
    mesh = json.loads((out / "mesh.json").read_text())
    assert (mesh["address"], mesh["guests"]) == (3, [guest]) and "join" not in mesh
    (keys / "door.key").unlink()
    invited(keys)
    assert main(words) == 0
    mesh = json.loads((out / "mesh.json").read_text())
    assert mesh.pop("provisioned_s") > 0 and mesh == {"network": 7, "join": "ab" * 16}


def test_one_that_was_invited_and_could_change_no_keys_is_refused(tmp_path, words, capsys):
    assert main(words) == 0
    invited(tmp_path / "keys")
    assert main(words) == 1
    assert "is invited into a mesh, and a board joins one with keys that it changes by itself" in (
        capsys.readouterr().err)


def test_whose_releases_it_takes_comes_along_with_the_names_that_envelopes_have(tmp_path, words):
    trusted(tmp_path, "micropython-xtensawin")
    assert main([*words, "--release-trust", str(tmp_path / "trust.json")]) == 0
    found = json.loads((tmp_path / "out" / "release-trust.json").read_text())
    assert found["class"] == class_of("micropython-xtensawin").hex
    assert found["vendor"] == VENDOR.hex and found["signers"] == {"ada": "ab" * 32}


@pytest.mark.parametrize(("target", "said"), [
    ("linux", "wanted a target like micropython-xtensawin, got 'linux'"),
    ("micropython-z80", "got 'micropython-z80'"), (7, "got 7")])
def test_trust_in_releases_for_others_is_refused_and_nothing_is_written(
        tmp_path, words, capsys, target, said):
    trusted(tmp_path, target)
    assert main([*words, "--release-trust", str(tmp_path / "trust.json")]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_trust_that_nobody_can_meet_is_refused(tmp_path, words, capsys):
    trusted(tmp_path, "micropython-rv32imc", threshold=2)
    assert main([*words, "--release-trust", str(tmp_path / "trust.json")]) == 1
    assert "trust.json" in capsys.readouterr().err


def trusted(folder, target, threshold=1):
    (folder / "trust.json").write_text(json.dumps({
        "number": 1, "target": target, "threshold": threshold, "signers": {"ada": "ab" * 32}}))
