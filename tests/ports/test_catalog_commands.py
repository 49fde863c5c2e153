"""The catalogue on the command line: listed, shown, checked with file and line, and tried."""

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from pymodbus import ModbusDeviceIdentification
from pymodbus.pdu.device import ModbusControlBlock
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.ports.test_command_line import sdm630, wum_edge
from tests.ports.wire import Meters, Wire, tcp_meters
from wum_edge.ports.linux.catalog_files import BadCatalogFiles, entry_files, read_entry
from wum_edge.ports.linux.json_lines import lines_of

CHINT = (resources.files("wum_edge") / "catalog" / "chint-dtsu666.json").read_text()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def written(text: str) -> Path:
        file = tmp_path / "chint-dtsu666.json"
        file.write_text(text)
        return file
    return written


def sentences(file: Path) -> list[str]:
    with pytest.raises(BadCatalogFiles) as bad:
        read_entry(file)
    return bad.value.sentences


def test_a_mistake_is_told_with_file_line_register_and_field(write: Callable[[str], Path]) -> None:
    lines = CHINT.splitlines()
    assert '"energy_import_l3"' in lines[13]
    lines[13] = lines[13].replace('"scale": "1000"', '"scale": "1e3"')
    told, = sentences(write("\n".join(lines)))
    assert told == (
        'chint-dtsu666.json line 14: registers[energy_import_l3].scale: wanted a decimal text '
        'like 0.1 or 1000, not zero, got "1e3"')


def test_every_mistake_is_told_in_the_order_of_the_file(write: Callable[[str], Path]) -> None:
    bad = CHINT.replace('"gap": 0', '"gap": 999').replace('"1-0:2.8.0"', '"1-0:1.8.0"').replace(
        '"make": "Chint",', '').replace('"scaler": -3}', '"scaler": -3, "scalar": 1}', 1)
    told = sentences(write(bad))
    assert [line.split(": wanted")[0] for line in told] == [
        "chint-dtsu666.json line 1: make",
        "chint-dtsu666.json line 8: limits.gap",
        "chint-dtsu666.json line 11: registers[energy_export].obis",
        "chint-dtsu666.json line 28: registers[power_factor].scalar"]
    assert "scaler (did you mean that?)" in told[3]


def test_a_key_that_stands_twice_is_a_mistake(write: Callable[[str], Path]) -> None:
    bad = CHINT.replace('"make": "Chint",', '"make": "Chint",\n  "make": "Other",')
    assert sentences(write(bad)) == [
        "chint-dtsu666.json line 4: make: wanted a key that stands once, got it twice"]


def test_what_is_no_json_is_told_with_its_line(write: Callable[[str], Path]) -> None:
    assert sentences(write(CHINT.replace('"DTSU666",', '"DTSU666"')))[0].startswith(
        "chint-dtsu666.json line 5: JSON: wanted valid JSON")
    assert "brackets without end" in sentences(write("[" * 100000))[0]
    for text in ("3", "null", '"entry"', "[]", "[1, {}]"):
        assert "wanted a table" in sentences(write(text))[0]
    assert "UTF-8" in sentences(_bytes(write, b"\xff\xfe"))[0]
    assert "wanted at most" in sentences(write(" " * 300_000))[0]
    assert "wanted a readable file" in sentences(Path("/nowhere/x.json"))[0]


def _bytes(write: Callable[[str], Path], data: bytes) -> Path:
    file = write("")
    file.write_bytes(data)
    return file


def test_lines_of_every_value_are_known() -> None:
    for file in entry_files():
        text = file.read_text(encoding="utf-8")
        lines, twice = lines_of(text)
        assert twice == []
        rows = text.splitlines()
        for number, register in enumerate(json.loads(text)["registers"]):
            for key in register:
                assert f'"{key}"' in rows[lines[f"registers[{number}].{key}"] - 1]


def test_quotes_and_brackets_in_texts_confuse_nobody() -> None:
    lines, _ = lines_of('{"a": "x\\"}],:{",\n"b": [1, [2,\n{"c": "]"}], "d,:"],\n"e": 1}')
    assert (lines["a"], lines["b"], lines["b[1][1].c"], lines["b[2]"], lines["e"]) == (
        1, 2, 3, 3, 4)


def test_check_names_what_is_wrong_and_ends_with_2(write: Callable[[str], Path]) -> None:
    good = wum_edge("catalog", "check")
    assert (good.returncode, good.stderr) == (0, "") and good.stdout.startswith("good: ")
    assert "modbus-rtu" in good.stdout
    one = wum_edge("catalog", "check", str(write(CHINT)))
    assert one.returncode == 0 and one.stdout.startswith("good: 1 entry of 1 makes")
    bad = wum_edge("catalog", "check", str(write(CHINT.replace('"gap": 0', '"gap": -1'))))
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr == "chint-dtsu666.json line 8: limits.gap: wanted 0..125, got -1\n"


def test_show_prints_every_register_and_where_it_is() -> None:
    ran = wum_edge("catalog", "show", "eastron-sdm630")
    assert ran.returncode == 0 and "volkszaehler/mbmd" in ran.stdout
    assert "energy_import" in ran.stdout and "function 4, address 72" in ran.stdout
    logs = wum_edge("catalog", "show", "energomera-ce308").stdout
    for line in ("profile: form days", "events: form numbered", "clock: form dotted",
                 "switch: command W1, address RDL04"):
        assert f"\n{line}" in logs, logs
    assert "unit Wh x 10^3" in logs and "None" not in logs and "place 0, part -1" not in logs


def test_list_may_be_of_one_protocol_or_make() -> None:
    ran = wum_edge("catalog", "list", "--make", "eastron", "--protocol", "modbus-rtu")
    assert ran.returncode == 0
    assert {line.split()[2] for line in ran.stdout.splitlines()[1:]} == {"Eastron"}


def test_try_reads_a_meter_without_any_configuration(
        wire: Wire, meters: Callable[[list[SimDevice]], Meters]) -> None:
    meters([sdm630(1)])
    ran = wum_edge("catalog", "try", "eastron-sdm630", "--port", wire.near.path, "--address", "1",
                   "--timeout-ms", "5000")
    assert (ran.returncode, ran.stderr) == (0, "")
    table = {line.split()[0]: line.split()[1:] for line in ran.stdout.splitlines()}
    assert table["energy_import"] == ["1-0:1.8.0", "12345678", "Wh", "ok", "0", "s"]


def test_try_takes_an_entry_that_is_not_in_the_catalogue_yet(
        wire: Wire, meters: Callable[[list[SimDevice]], Meters], tmp_path: Path) -> None:
    meters([sdm630(1)])
    entry = json.loads((resources.files("wum_edge") / "catalog" / "eastron-sdm630.json")
                       .read_text())
    file = tmp_path / "my-meter.json"
    file.write_text(json.dumps({**entry, "model": "my-meter"}))
    ran = wum_edge("catalog", "try", str(file), "--port", wire.near.path, "--address", "1",
                   "--timeout-ms", "5000")
    assert ran.returncode == 0 and "read as my-meter" in ran.stdout


def test_try_says_what_is_wrong_with_the_question(tmp_path: Path) -> None:
    for arguments, told in (
            (("eastron-sdm63", "--address", "1"), "(did you mean eastron-sdm630?)"),
            (("eastron-sdm630", "--address", "400"), "--address: wanted 1..247, got 400"),
            (("water-1-litre-pulse", "--address", "1"),
             "--port: wanted gpio:CHIP or edges:SOCKET, got \"/dev/no-such-tty\""),
            (("eastron-sdm630", "--address", "1", "--timeout-ms", "1"), "--timeout-ms: wanted 20"),
            (("eastron-sdm630", "--address", "1", "--access", str(tmp_path)), "--access: wanted")):
        ran = wum_edge("catalog", "try", *arguments, "--port", "/dev/no-such-tty")
        assert (ran.returncode, ran.stdout) == (2, "") and told in ran.stderr, ran.stderr
    ran = wum_edge("catalog", "try", "eastron-sdm630", "--address", "1", "--port", "/dev/no-such")
    assert ran.returncode == 1 and "there is no such device" in ran.stderr


def test_try_reads_through_a_gateway_that_speaks_modbus_tcp(tmp_path: Path) -> None:
    access = tmp_path / "gateway.toml"
    access.write_text('framing = "tcp"\n')
    with tcp_meters([sdm630(1)]) as port:
        ran = wum_edge("catalog", "try", "eastron-sdm630", "--port", f"tcp://127.0.0.1:{port}",
                       "--address", "1", "--timeout-ms", "5000", "--access", str(access))
        assert (ran.returncode, ran.stderr) == (0, "")
        table = {line.split()[0]: line.split()[1:] for line in ran.stdout.splitlines()}
        assert table["energy_import"] == ["1-0:1.8.0", "12345678", "Wh", "ok", "0", "s"]
        # Bytes of RTU mean nothing to it.
        plain = wum_edge("catalog", "try", "eastron-sdm630", "--port", f"tcp://127.0.0.1:{port}",
                         "--address", "1")
        assert plain.returncode == 1


def test_a_meter_that_refuses_its_model_is_asked_what_it_is(
        wire: Wire, meters: Callable[[list[SimDevice]], Meters]) -> None:
    ModbusControlBlock().Identity.update(ModbusDeviceIdentification(info_name={
        "VendorName": "Maker", "ProductCode": "M-7", "MajorMinorRevision": "1.02"}))
    meters([SimDevice(id=1, simdata=[SimData(5000, values=1, datatype=DataType.INT16)])])
    ran = wum_edge("catalog", "try", "eastron-sdm630", "--port", wire.near.path, "--address", "1",
                   "--timeout-ms", "5000")
    assert ran.returncode == 1
    assert "check the model (eastron-sdm630)" in ran.stderr
    assert "it says that it is Maker M-7 1.02" in ran.stderr


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with one entry of the user's own."""
    folder = tmp_path / "my-meters"
    folder.mkdir()
    own = json.loads(CHINT)
    own["model"] = "my-own-meter"
    (folder / "my-own-meter.json").write_text(json.dumps(own))
    return folder


def test_an_entry_of_ones_own_stands_beside_the_catalogue_and_says_where_it_is_from(
        mine: Path) -> None:
    listed = wum_edge("catalog", "list", "--folder", str(mine)).stdout.splitlines()
    assert [line.split()[-1] for line in listed if line.startswith("my-own-meter")] == [str(mine)]
    assert [line.split()[-1] for line in listed if line.startswith("chint-dtsu666")] == ["wum"]
    shown = wum_edge("catalog", "show", "my-own-meter", "--folder", str(mine))
    assert f"entry: {mine / 'my-own-meter.json'}" in shown.stdout
    assert wum_edge("catalog", "check", "--folder", str(mine)).returncode == 0


def test_a_name_that_the_catalogue_has_is_refused_with_both_paths(mine: Path) -> None:
    (mine / "chint-dtsu666.json").write_text(CHINT)
    refused = wum_edge("catalog", "list", "--folder", str(mine))
    assert refused.returncode and str(mine / "chint-dtsu666.json") in refused.stderr
    assert str(resources.files("wum_edge") / "catalog" / "chint-dtsu666.json") in refused.stderr


def test_a_configuration_names_the_folder_of_its_own_entries(mine: Path, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("""
[concentrator]
name = "c"
keys = "keys"
archive = "archive"
catalog = "my-meters"
[broker]
host = "127.0.0.1"
tls = false
[[line]]
name = "a"
port = "/dev/null"
[[meter]]
serial = "M-1"
line = "a"
address = 1
model = "my-own-meter"
""")
    planned = wum_edge("plan", "--config", str(file))
    assert planned.returncode == 0 and "my-own-meter" in planned.stdout, planned.stderr
    file.write_text(file.read_text().replace("my-meters", "elsewhere"))
    refused = wum_edge("plan", "--config", str(file))
    assert refused.returncode and "line 6: concentrator.catalog: wanted a folder" in refused.stderr
