"""Every mistake of a configuration file is named with its line, what was wanted and what came."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wum_edge.ports.linux.config_file import BadConfigFile, line_of, lines_of, read_config

Write = Callable[[str], Path]
MODELS = {"eastron-sdm120": "modbus-rtu", "eastron-sdm630": "modbus-rtu"}
GOOD = """\
# The cabinet at the corner.
[concentrator]
name = "cabinet-1"
keys = "keys"
archive = "archive"

[broker]
host = "127.0.0.1"
port = 1883
tls = false

[schedule]
period_s = 60

[[line]]
name = "a"
port = "/dev/ttyUSB0"

[[meter]]
serial = "SDM-0001"
line = "a"
address = 1
model = "eastron-sdm630"

[[meter]]
serial = "SDM-0002"
line = "a"
address = 2
model = "eastron-sdm630"
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    (tmp_path / "keys").mkdir()
    file = tmp_path / "edge.toml"

    def put(text: str) -> Path:
        file.write_text(text)
        return file

    return put


def mistakes(write: Write, text: str) -> list[str]:
    with pytest.raises(BadConfigFile) as bad:
        read_config(write(text), MODELS)
    return [mistake.sentence() for mistake in bad.value.mistakes]


def test_a_good_file_becomes_a_configuration_with_absolute_folders(
        write: Write, tmp_path: Path) -> None:
    config = read_config(write(GOOD), MODELS)
    assert config.concentrator.keys == str(tmp_path / "keys")
    assert config.concentrator.archive == str(tmp_path / "archive")
    assert config.broker.ca_file == ""
    assert [m.address for m in config.meters] == [1, 2]


def test_every_mistake_has_its_line(write: Write) -> None:
    text = GOOD.replace("period_s = 60", "period = 60").replace("address = 2", "address = 300")
    text = text.replace('line = "a"\naddress = 1', 'line = "b"\naddress = 1')
    assert mistakes(write, text) == [
        "line 13: schedule.period: wanted period_s (did you mean that?), got an unknown key",
        'line 21: meter[0].line: wanted one of the lines: a, got "b"',
        "line 28: meter[1].address: wanted 1..247, got 300",
    ]


def test_a_missing_key_is_missing_from_the_line_of_its_table(write: Write) -> None:
    assert mistakes(write, GOOD.replace('serial = "SDM-0002"\n', "")) == [
        "line 25: meter[1].serial: wanted a text, got nothing"]


def test_a_missing_table_has_no_line_and_is_named(write: Write) -> None:
    text = GOOD[:GOOD.index("[[line]]")] + GOOD[GOOD.index("[[meter]]"):]
    assert mistakes(write, text)[0] == "line: wanted 1..16 tables [[line]], got nothing"


def test_two_meters_at_one_address_are_named_with_the_second_ones_line(write: Write) -> None:
    assert mistakes(write, GOOD.replace("address = 2", "address = 1")) == [
        ("line 28: meter[1].address: wanted an address that line a has once, "
         "got 1, which meter[0] (SDM-0001) has: give one of them another, at the meter itself "
         "and here")]


def test_plain_mqtt_to_another_host_is_refused_at_the_line_of_tls(write: Write) -> None:
    assert mistakes(write, GOOD.replace('"127.0.0.1"', '"broker.example.org"')) == [
        ("line 10: broker.tls: wanted true for a host that is not loopback "
         '(127.0.0.1, ::1, localhost), got plain MQTT to "broker.example.org"')]


def test_an_unknown_model_comes_with_the_list(write: Write) -> None:
    assert mistakes(write, GOOD.replace("eastron-sdm630", "eastron-sdm360", 1)) == [
        ("line 23: meter[0].model: wanted one of eastron-sdm120, eastron-sdm630 "
         '(did you mean eastron-sdm630?), got "eastron-sdm360"')]


def test_files_that_are_not_there_are_mistakes_beside_the_others(
        write: Write, tmp_path: Path) -> None:
    text = GOOD.replace('"keys"', '"no-keys"').replace(
        "tls = false", 'tls = true\nca_file = "ca.pem"').replace("address = 2", "address = 0")
    found = mistakes(write, text)
    assert found == [
        ("line 4: concentrator.keys: wanted a folder that `wum-firmware provision` wrote, "
         f'got no folder "{tmp_path / "no-keys"}"'),
        f'line 11: broker.ca_file: wanted a file, got no file "{tmp_path / "ca.pem"}"',
        "line 29: meter[1].address: wanted 1..247, got 0",
    ]
    checked = read_config(write(GOOD.replace('"keys"', '"no-keys"')), MODELS, files=False)
    assert checked.concentrator.keys.endswith("no-keys")


def test_what_is_no_toml_is_named_with_its_line(write: Write) -> None:
    found = mistakes(write, GOOD.replace("port = 1883", "port = "))
    assert len(found) == 1 and found[0].startswith("line 9: TOML: wanted valid TOML, got Invalid")
    assert mistakes(write, GOOD + '[[meter]]\nserial = "')[0].startswith("line 31: TOML")


def test_a_file_that_cannot_be_read_is_said_in_words(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(BadConfigFile, match="file: wanted a readable file, got"):
            read_config(path, MODELS)
    (tmp_path / "latin.toml").write_bytes(b'name = "caf\xe9"')
    with pytest.raises(BadConfigFile, match="file: wanted UTF-8"):
        read_config(tmp_path / "latin.toml", MODELS)


def test_lines_are_found_in_every_way_to_write_a_table() -> None:
    lines = lines_of('a.b = 1\n[c] # c\n"d" = 2\n[ e . f ]\ng= 3\n[[h]]\n[[ h ]] # second\ni=1\n')
    assert lines["a.b"] == 1 and lines["c.d"] == 3 and lines["e.f.g"] == 5
    assert lines["h[0]"] == 6 and lines["h[1]"] == 7 and lines["h[1].i"] == 8
    assert line_of("h[1].missing", lines) == 7
    assert line_of("h[0].deep.er[3].x", lines) == 6
    assert line_of("nowhere", lines) == 0


def test_a_table_below_one_of_an_array_belongs_to_the_last_one() -> None:
    lines = lines_of("[[h]]\n[[h]]\n[h.access]\nkey = 1\n")
    assert lines["h[1].access"] == 3 and lines["h[1].access.key"] == 4


def test_what_looks_like_a_key_inside_a_long_text_is_none() -> None:
    lines = lines_of('a = """\nb = 1\n[c]\n"""\nd = 2\n')
    assert lines == {"a": 1, "d": 5}
