"""The street's mesh as configuration: who has an uplink, who reaches whom."""

import tomllib
from pathlib import Path

from demo.clock import Clock
from demo.mesh import air, places
from demo.street import Cabinet


def test_two_of_four_have_no_uplink_and_every_wire_has_two_ends(tmp_path):
    found = places(4)
    assert [found[number].role for number in (1, 2, 3, 4)] == [
        "gateway", "gateway", "station", "station"]
    assert found[1].peers == (found[3].udp,) and found[3].peers == (found[1].udp,)
    for number, place in found.items():
        cabinet = Cabinet(number, tmp_path / f"c{number}", 2, mesh=place)
        cabinet.folder.mkdir()
        cabinet.write_configuration(1883, Clock(0, 0, 1))
        document = tomllib.loads(cabinet.configuration.read_text())
        assert ("broker" in document) == place.has_uplink
        assert document["mesh"]["role"] == place.role
        assert ("udp" in document["mesh"]) == (number in (1, 3))
        assert ("--carries" in cabinet.register()) == place.has_uplink


def test_one_on_standby_has_an_uplink_and_may_carry(tmp_path):
    place = places(4, standby=(2,))[2]
    assert place.role == "standby" and place.has_uplink and "--carries" in place.register()
    assert place.tables(tmp_path)[0] == (
        "mesh", {"role": "standby", "report_s": 15, "standby_after_s": 5})


def test_a_street_of_one_has_neither_wires_nor_links(tmp_path):
    (place,) = places(1).values()
    assert place.role == "gateway" and not place.udp
    assert "--hears" not in air([tmp_path / "modem"], tmp_path / "air")


def test_the_fourth_hears_the_third_well_and_the_second_faintly(tmp_path):
    words = air([tmp_path / str(at) for at in range(4)], tmp_path / "air")
    heard = dict(word.split("=") for word in words if "=" in word)
    assert float(heard["3-4"]) > float(heard["2-4"]) > -7.5
    assert "1-4" not in heard


def test_those_on_boards_have_a_radio_and_no_udp():
    found = places(4, boards=(2, 3))
    assert [found[n].role for n in (1, 2, 3, 4)] == ["gateway", "gateway", "station", "station"]
    assert not any(one.udp or one.peers for one in found.values())
    kinds = {n: dict(found[n].tables(Path("modem")))["mesh.modem"] for n in found}
    assert [kinds[n]["kind"] for n in (1, 2, 3, 4)] == ["rui3", "sx126x", "sx126x", "rui3"]
    words = air([Path("a"), Path("b"), Path("c"), Path("d")], Path("control"), (2, 3))
    assert [words[at + 1] for at, word in enumerate(words) if word == "--chip"] == ["2", "3"]


def test_one_whose_keys_have_changed_is_settled_and_one_that_was_half_made_is_not(tmp_path):
    cabinet = Cabinet(3, tmp_path, 2, mesh=places(4)[3])
    assert not cabinet.is_settled
    cabinet.keys.mkdir()
    cabinet.registration.touch()
    (cabinet.keys / "trusted.toml").touch()
    assert not cabinet.is_settled, "its first keys last still"
    words = cabinet.register()
    assert words[words.index("--trust-to") + 1] == str(cabinet.keys)
    assert "--trust-to" not in cabinet.register(has_trust=False)
    cabinet.registration.unlink()
    assert cabinet.is_settled
    board = Cabinet(2, tmp_path / "board", 2, mesh=places(4)[2], is_board=True)
    assert "--trust-to" not in board.register()
