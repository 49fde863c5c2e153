"""A gateway starts with its file and what the head-end ordered, and anew when that changes."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wum_edge.config import Config
from wum_edge.configuration.kept import Kept
from wum_edge.meters.catalog import protocols
from wum_edge.ports.linux import starting
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.configured import Configured, configured, why_not
from wum_edge.ports.linux.flash import LinuxFlash
from wum_edge.ports.linux.pulse_lines import NeedsLibrary
from wum_edge.ports.linux.run import ANEW, ENDED, FAILED
from wum_shared.configuration import Configuration

FILE = """
[concentrator]
name = "cabinet-1"
keys = "keys"
archive = "archive"
[broker]
host = "127.0.0.1"
tls = false
"""
METERS = """
[[line]]
name = "a"
port = "/dev/ttyS1"
[[meter]]
serial = "OLD"
line = "a"
address = 1
model = "eastron-sdm120"
"""
PROTOCOLS = protocols(read_catalog())


def parts(serial: str, model: str = "eastron-sdm120") -> dict[str, object]:
    return {"line": [{"name": "b", "port": "/dev/ttyS2"}],
            "meter": [{"serial": serial, "line": "b", "address": 2, "model": model}]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    file = tmp_path / "edge.toml"
    file.write_text(FILE + METERS)
    return file


def order(path: Path, *ordered: Configuration) -> None:
    flash = LinuxFlash(path.parent / "archive")
    for one in ordered:
        Kept(flash).keep(one)
    flash.close()


def serials(config: Config) -> list[str]:
    return [meter.serial for meter in config.meters]


def test_what_was_ordered_lies_over_the_file(path: Path) -> None:
    assert serials(configured(path, PROTOCOLS).config) == ["OLD"]
    order(path, Configuration(1, parts("NEW")))
    found = configured(path, PROTOCOLS)
    assert serials(found.config) == ["NEW"] and found.config.lines[0].port == "/dev/ttyS2"
    assert found.config.concentrator.archive == str(path.parent / "archive")
    assert found.ordered is not None and found.ordered.number == 1


def test_a_file_without_lines_and_meters_waits_for_the_head_end(path: Path) -> None:
    path.write_text(FILE)
    assert serials(configured(path, PROTOCOLS).config) == []
    order(path, Configuration(1, parts("NEW")))
    assert serials(configured(path, PROTOCOLS).config) == ["NEW"]


def test_what_does_not_fit_the_file_any_more_is_left_and_told(
        path: Path, caplog: pytest.LogCaptureFixture) -> None:
    order(path, Configuration(3, parts("NEW", model="of-a-catalogue-that-is-gone")))
    assert serials(configured(path, PROTOCOLS).config) == ["OLD"]
    assert "configuration 3 of the head-end does not fit" in caplog.text


def test_pulse_inputs_need_their_library(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(path, PROTOCOLS).config
    assert why_not(config) == ""
    monkeypatch.setattr("wum_edge.ports.linux.configured.is_installed", lambda: False)
    line = config.lines[0]._replace(port="gpio:/dev/gpiochip0")
    assert why_not(config._replace(lines=(line,))).startswith("line a: pulse inputs need")


class Gateways:
    """Stand for gateways, each of which does one thing in its life."""

    def __init__(self, *lives: Callable[[], int]) -> None:
        self.started: list[list[str]] = []
        self._lives = list(lives)

    def open(
            self, found: Configured, models: object, ending: threading.Event, recent: object,
            epoch_s: int,
    ) -> "Gateways":
        self.started.append(serials(found.config))
        return self

    def run(self, status_s: float) -> int:
        return self._lives.pop(0)()


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """As they were."""
    kept = {number: signal.getsignal(number)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def ordered(path: Path, what: Configuration) -> Callable[[], int]:
    def live() -> int:
        order(path, what)
        return ANEW
    return live


def test_it_starts_anew_with_another_configuration_and_ends_when_told(
        path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return ENDED

    gateways = Gateways(ordered(path, Configuration(1, parts("NEW"))), told)
    monkeypatch.setattr(starting, "open_gateway", gateways.open)
    assert starting.run(path) == ENDED
    assert gateways.started == [["OLD"], ["NEW"]]


def test_a_configuration_that_nothing_starts_with_is_taken_back(
        path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gateways = Gateways(ordered(path, Configuration(2, parts("BAD"))), lambda: ENDED)

    def open_gateway(
            found: Configured, models: object, ending: threading.Event, recent: object,
            epoch_s: int,
    ) -> Gateways:
        if serials(found.config) == ["BAD"]:
            raise NeedsLibrary("no library")
        return gateways.open(found, models, ending, recent, epoch_s)

    order(path, Configuration(1, parts("GOOD")))
    monkeypatch.setattr(starting, "open_gateway", open_gateway)
    assert starting.run(path) == ENDED
    assert gateways.started == [["GOOD"], ["GOOD"]]
    assert Kept(LinuxFlash(path.parent / "archive")).current == Configuration(1, parts("GOOD"))


def test_what_cannot_start_at_all_says_why(
        path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def open_gateway(
            found: Configured, models: object, ending: threading.Event, recent: object,
            epoch_s: int,
    ) -> Gateways:
        raise NeedsLibrary("no library")

    order(path, Configuration(1, parts("NEW")))
    monkeypatch.setattr(starting, "open_gateway", open_gateway)
    assert starting.run(path) == FAILED
    assert "wum-edge: no library" in capsys.readouterr().err
    assert configured(path, PROTOCOLS).ordered is not None, "an old one is not taken back"
