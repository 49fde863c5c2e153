"""`wum-edge discover` against a simulated meter, its line replaced by one in memory."""

import io
import json
from pathlib import Path

from tests.simulator.dlms_bench import Played, wire_of
from wum_edge.meters.catalog import check_model
from wum_edge.ports.linux import discover
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
