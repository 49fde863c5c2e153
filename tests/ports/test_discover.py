"""`wum-edge discover` against a simulated meter, its line replaced by one in memory."""

import io
import json
from pathlib import Path

from tests.simulator.dlms_bench import Played, wire_of
from wum_edge.meters.catalog import check_model
from wum_edge.ports.linux import ask_catalog, discover
from wum_edge.ports.linux.__main__ import main

CONFIG = """
[concentrator]
name = "c"
keys = "keys"
archive = "archive"
[broker]
host = "127.0.0.1"
tls = false
[schedule]
period_s = 3600
[[line]]
name = "a"
port = "/dev/null"
[[meter]]
serial = "E-1"
line = "a"
address = 17
model = "dlms-three-phase"
"""


def test_a_meter_of_the_configuration_proposes_its_entry(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(CONFIG)
    wire = wire_of(Played())
    wire.set = lambda setting: None
    wire.close = lambda: None
    monkeypatch.setattr(discover, "line_of", lambda line: wire)
    out, complaints = io.StringIO(), io.StringIO()
    assert discover.discover_meter("E-1", path, out, complaints) == 0, complaints.getvalue()
    assert len(check_model(json.loads(out.getvalue()), "discovered").registers) == 12
    wire.spoil = lambda turn, data: b""
    assert discover.discover_meter("E-1", path, out, complaints) == 1
    assert "silent for 500 ms" in complaints.getvalue()
    assert main(["discover", "E-2", "--config", str(path)]) == 2


def test_what_is_proposed_passes_the_check_and_reads_the_meter(
        tmp_path: Path, monkeypatch, capsys) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(CONFIG)
    wire = wire_of(Played())
    wire.set = lambda setting: None
    wire.close = lambda: None
    for module in (discover, ask_catalog):
        monkeypatch.setattr(module, "line_of", lambda line: wire)
    assert main(["discover", "E-1", "--config", str(path)]) == 0
    entry = tmp_path / "discovered.json"
    entry.write_text(capsys.readouterr().out)
    assert main(["catalog", "check", str(entry)]) == 0
    assert capsys.readouterr().out.startswith("good: 1 entry of 1 makes with 12 registers: dlms-")
    assert main(["catalog", "try", str(entry), "--port", "/dev/null", "--address", "17"]) == 0
    table = capsys.readouterr().out
    assert [row.split()[2] for row in table.splitlines() if "1-0:" in row] == [
        "7", "1007", "2007", "3007", "4007", "5007", "6007", "7007", "800.7", "900.7", "1000.7",
        "1100.7"]
    # A catalogue that is wrong somewhere is refused with its line: the check can fail.
    entry.write_text(entry.read_text().replace('"class": 3', '"class": 0', 1).replace(
        '"scaler"', '"scalar"', 1))
    assert main(["catalog", "check", str(entry)]) == 2
    assert "did you mean that?" in capsys.readouterr().err
