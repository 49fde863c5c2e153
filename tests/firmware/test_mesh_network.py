"""A mesh's network: its key is made once, no address is given out twice, and no secret is shown."""

import os
import stat
import tomllib

import pytest

from wum_firmware.__main__ import main


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "street.mesh"
    assert main(["mesh", str(path)]) == 0
    return path


def provision(folder, network):
    assert main(["provision", "--out", str(folder), "--mesh", str(network)]) == 0
    return tomllib.loads((folder / "mesh.key").read_text())


def test_each_gets_the_key_and_an_address_of_its_own(tmp_path, network, capsys):
    found = [provision(tmp_path / f"c{at}", network) for at in range(3)]
    assert [one["address"] for one in found] == [1, 2, 3]
    assert len({one["key"] for one in found}) == 1 and len(found[0]["key"]) == 32
    assert found[0]["key"] not in capsys.readouterr().out
    for path in (network, tmp_path / "c0" / "mesh.key"):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_one_that_is_admitted_again_keeps_its_address(tmp_path, network):
    first = provision(tmp_path / "c", network)
    assert main(["mesh", str(network), "--admit", str(tmp_path / "c")]) == 0
    assert tomllib.loads((tmp_path / "c" / "mesh.key").read_text()) == first
    assert provision(tmp_path / "d", network)["address"] == 2


def invited(folder, network):
    assert main(["provision", "--out", str(folder)]) == 0
    assert main(["mesh", str(network), "--invite", str(folder)]) == 0
    return tomllib.loads((folder / "join.key").read_text())


def test_a_guest_gets_a_key_of_its_own_and_the_gateway_the_list(tmp_path, network, capsys):
    gateway = provision(tmp_path / "g", network)
    found = [invited(tmp_path / f"c{at}", network) for at in range(2)]
    assert len({one["key"] for one in found} | {gateway["key"]}) == 3
    assert not (tmp_path / "c0" / "mesh.key").exists()
    assert main(["mesh", str(network), "--invite", str(tmp_path / "c0")]) == 0
    assert tomllib.loads((tmp_path / "c0" / "join.key").read_text()) == found[0]
    assert main(["mesh", str(network), "--door", str(tmp_path / "g")]) == 0
    door = tomllib.loads((tmp_path / "g" / "door.key").read_text())
    ids = [tomllib.loads((tmp_path / f"c{at}" / "concentrator.toml").read_text())["id"]
           for at in range(2)]
    assert door == {"network": gateway["network"], "guest": [
        {"concentrator": ids[at], "address": 2 + at, "key": found[at]["key"]} for at in range(2)]}
    told = capsys.readouterr().out
    assert not [one for one in found if one["key"] in told]
    for path in (tmp_path / "c0" / "join.key", tmp_path / "g" / "door.key"):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_another_key_is_another_epoch_and_addresses_stay(tmp_path, network):
    first = provision(tmp_path / "c", network)
    guest = invited(tmp_path / "d", network)
    assert main(["mesh", str(network), "--renew"]) == 0
    assert main(["mesh", str(network), "--admit", str(tmp_path / "c")]) == 0
    second = tomllib.loads((tmp_path / "c" / "mesh.key").read_text())
    assert (second["address"], second["network"]) == (first["address"], first["network"])
    assert second["epoch"] == first["epoch"] + 1 and second["key"] != first["key"]
    assert main(["mesh", str(network), "--invite", str(tmp_path / "d")]) == 0
    assert tomllib.loads((tmp_path / "d" / "join.key").read_text()) == guest
    assert provision(tmp_path / "e", network)["address"] == 3


def exported(path, network, epoch, key="ab" * 16):
    path.write_text(f'network = {network}\nepoch = {epoch}\nkey = "{key}"\n')
    return str(path)


def test_the_key_that_the_head_end_made_is_taken_and_given_to_whoever_comes(
        tmp_path, network, capsys):
    first = provision(tmp_path / "c", network)
    file = exported(tmp_path / "new", first["network"], 29_000_000)
    for _ in range(2):
        assert main(["mesh", str(network), "--take", file]) == 0
    second = provision(tmp_path / "d", network)
    assert second == {"network": first["network"], "epoch": 29_000_000, "address": 2,
                      "key": "ab" * 16}
    assert "ab" * 16 not in capsys.readouterr().out
    assert main(["mesh", str(network), "--renew"]) == 0
    assert provision(tmp_path / "e", network)["epoch"] == 29_000_001


def test_a_key_that_is_older_of_another_network_or_none_is_not_taken(tmp_path, network, capsys):
    first = provision(tmp_path / "c", network)
    newest = exported(tmp_path / "newest", first["network"], 9)
    assert main(["mesh", str(network), "--take", newest]) == 0
    before = network.read_bytes()
    for text, told in (
            (exported(tmp_path / "a", first["network"], 8), "export the newest"),
            (exported(tmp_path / "b", first["network"], 9, "cd" * 16), "export the newest"),
            (exported(tmp_path / "n", first["network"] % 0xFFFF + 1, 10), "that one's file"),
            (exported(tmp_path / "k", first["network"], 10, "cd"), "is not what")):
        assert main(["mesh", str(network), "--take", text]) == 1
        refused = capsys.readouterr().err
        assert told in refused and "cdcd" not in refused
    assert network.read_bytes() == before


def test_what_cannot_be_is_refused_with_a_sentence(tmp_path, network, capsys):
    assert main(["mesh", str(network)]) == 1
    assert "would part the network" in capsys.readouterr().err
    assert main(["mesh", str(network), "--admit", str(tmp_path / "nobody")]) == 1
    assert "no identity" in capsys.readouterr().err
    provision(tmp_path / "c", network)
    other = tmp_path / "other.mesh"
    assert main(["mesh", str(other)]) == 0
    assert main(["mesh", str(other), "--admit", str(tmp_path / "c")]) == 1
    assert "another network" in capsys.readouterr().err
    secret = network.read_text().split('"')[1]
    network.write_text("key = 'x'\n")
    assert main(["mesh", str(network), "--admit", str(tmp_path / "c")]) == 1
    told = capsys.readouterr().err
    assert "no network's file" in told and secret not in told
    network.chmod(0o644)
    assert main(["mesh", str(network), "--admit", str(tmp_path / "c")]) == 1
    assert "chmod 600" in capsys.readouterr().err
