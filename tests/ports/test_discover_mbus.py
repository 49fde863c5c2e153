"""`wum-edge discover LINE`: simulated M-Bus meters found by number and by address."""

import io
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator.running import serving
from wum_edge.config import check
from wum_edge.meters.catalog import protocols
from wum_edge.meters.turn import Setting
from wum_edge.ports.linux import discover, discover_mbus
from wum_edge.ports.linux.__main__ import main
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_simulator.bus import Timing
from wum_simulator.faults import Fault, Faults, Kind
from wum_simulator.town import Meter, meters
from wum_simulator.virtual_line import VirtualLine
from wum_simulator.world import VirtualWorld

MODELS = ["saia-burgess-ale3", "emu-professional-3-75"]
CONFIG = """
[concentrator]
name = "c"
keys = "keys"
archive = "archive"
[broker]
host = "127.0.0.1"
tls = false
[[line]]
name = "cellar"
port = "PORT"
baud = 2400
parity = "E"
[[meter]]
serial = "E-1"
line = "cellar"
address = 17
model = "saia-burgess-ale3"
"""


class Town:
    """A configuration, and its line in virtual time with these meters on it."""

    def __init__(self, folder: Path, world: VirtualWorld, monkeypatch) -> None:
        self.meters: list[Meter] = []
        self.world, self.faults = world, Faults(world.dice)
        self.path = folder / "edge.toml"
        self.path.write_text(CONFIG.replace("PORT", "/dev/null"))
        monkeypatch.setattr(discover_mbus, "line_of", self._line)

    def _line(self, line: object) -> VirtualLine:
        wire = VirtualLine(self.world, self.meters, self.faults, Timing(2400, 20),
                           Setting(2400, 8, "E", 1, 13750))
        wire.close = lambda: None
        return wire

    def discover(self, primary: bool = False) -> tuple[int, str, str]:
        out, complaints = io.StringIO(), io.StringIO()
        code = discover.discover_meter("cellar", self.path, out, complaints, primary=primary)
        return code, out.getvalue(), complaints.getvalue()


@pytest.fixture
def town(tmp_path: Path, monkeypatch) -> Iterator[Town]:
    world = VirtualWorld(7, 1_767_225_600)
    yield Town(tmp_path, world, monkeypatch)
    world.close()


def proposed(out: str) -> list[dict]:
    return tomllib.loads(out.split("model is right:\n")[1])["meter"]


@pytest.mark.parametrize("primary", [False, True])
def test_every_meter_is_found_with_its_model_and_fits_into_the_configuration(
        town: Town, primary: bool) -> None:
    town.meters = meters(town.world.dice, MODELS, count=4)
    code, out, complaints = town.discover(primary)
    assert code == 0 and complaints == "searching; end it with Ctrl-C\n"
    assert out.startswith("4 meters on line cellar (/dev/null), found in ")
    found = sorted(proposed(out), key=lambda meter: meter["serial"])
    assert [(meter["serial"], meter["model"]) for meter in found] == [
        (meter.serial, meter.kind.name) for meter in town.meters]
    if primary:
        assert [meter["address"] for meter in found] == [1, 2, 3, 4]
    else:
        assert [meter["address"][:8] for meter in found] == [m.serial for m in town.meters]
    document = tomllib.loads(CONFIG)
    document["meter"] = found
    assert len(check(document, protocols(read_catalog())).meters) == 4


def test_a_meter_that_no_model_fits_is_listed_so(town: Town) -> None:
    town.meters = meters(town.world.dice, MODELS[:1], count=1)
    unknown = {name: model for name, model in read_catalog().items() if model.protocol != "mbus"}
    out, complaints = io.StringIO(), io.StringIO()
    line = check(tomllib.loads(CONFIG), protocols(read_catalog())).lines[0]
    assert discover_mbus.discover_line(line, unknown, out, complaints) == 0
    assert "none" in out.getvalue() and "# model: none of the catalogue fits" in out.getvalue()


def test_doubles_and_an_empty_line_are_told(town: Town) -> None:
    town.meters = meters(town.world.dice, MODELS, count=2)
    town.meters[1].address = 1
    code, out, complaints = town.discover(primary=True)
    assert code == 1 and "address 1: more than one meter answers" in complaints
    assert out.startswith("0 meters")
    town.faults.order(Fault(Kind.SILENCE))
    code, out, complaints = town.discover()
    assert code == 1 and out.startswith("0 meters on line cellar") and len(out.splitlines()) == 1
    assert "No M-Bus meter answers at 2400 8E1: check the level converter" in complaints


def test_a_model_of_the_meters_own_make_is_proposed_first(town: Town) -> None:
    for model in ("sensus-pollucom-e", "minol-minocal-wr3"):
        town.meters = meters(town.world.dice, [model], count=1)
        code, out, _ = town.discover()
        assert code == 0 and f'model = "{model}"' in out


def test_pulse_inputs_are_not_searched(town: Town) -> None:
    town.path.write_text(CONFIG.replace("PORT", "/dev/null") + """
[[line]]
name = "inputs"
port = "edges:/tmp/none"
""")
    out, complaints = io.StringIO(), io.StringIO()
    assert discover.discover_meter("inputs", town.path, out, complaints) == 1
    assert "pulse inputs have nothing" in complaints.getvalue()


def test_a_long_search_says_where_it_is(town: Town, monkeypatch) -> None:
    town.meters = meters(town.world.dice, MODELS, count=3)
    monkeypatch.setattr(discover_mbus, "TELL_S", 0)
    told = town.discover()[2].splitlines()[1:]
    assert told[0] == "asked 1 times, now numbers FFFFFFFF: 0 meters so far"
    assert told[-1].endswith("3 meters so far") and len(told) > 20


def test_over_a_pty_in_real_time(tmp_path: Path, capsys) -> None:
    with serving(tmp_path, "--model", MODELS[1]) as running:
        path = tmp_path / "edge.toml"
        path.write_text(CONFIG.replace("PORT", str(running.link)))
        assert main(["discover", "cellar", "--config", str(path)]) == 0
    assert [meter["model"] for meter in proposed(capsys.readouterr().out)] == [MODELS[1]]
    assert main(["discover", "celler", "--config", str(path)]) == 2
    assert "did you mean cellar" in capsys.readouterr().err
