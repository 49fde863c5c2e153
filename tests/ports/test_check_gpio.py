"""A configuration whose pulses this machine would not count is no good one, and it says why."""

from pathlib import Path

import pytest

from wum_edge.ports.linux import gpio, pulse_lines
from wum_edge.ports.linux.__main__ import main

CONFIG = """
[concentrator]
name = "c"
keys = "keys"
archive = "archive"
[broker]
host = "127.0.0.1"
tls = false
[[line]]
name = "inputs"
port = "gpio:{chip}"
[[meter]]
serial = "W-1"
line = "inputs"
address = 4
model = "water-10-litres-pulse"
"""


def checked(folder: Path, chip: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    path = folder / "edge.toml"
    (folder / "keys").mkdir(exist_ok=True)
    path.write_text(CONFIG.format(chip=chip))
    code = main(["check-config", "--config", str(path)])
    return code, capsys.readouterr().out


def test_a_chip_that_is_there_and_can_be_read_is_good(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(tmp_path, "/dev/null", capsys)[0] == 0        # Any character device.


def test_a_chip_that_is_not_there_is_named_beside_those_that_are(
        tmp_path: Path, capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse_lines, "CHIPS", "/dev/nul[l]")
    code, out = checked(tmp_path, "/dev/gpiochip77", capsys)
    assert code == 1
    assert ("line inputs: there is no chip /dev/gpiochip77: this machine has /dev/null; "
            "`gpiodetect` says which is which") in out
    monkeypatch.setattr(pulse_lines, "CHIPS", "/dev/no such thing")
    assert "shows none; is its driver loaded?" in checked(tmp_path, "/dev/gpiochip77", capsys)[1]
    (tmp_path / "file").touch()
    code, out = checked(tmp_path, str(tmp_path / "file"), capsys)
    assert code == 1 and "is no GPIO chip" in out


def test_without_the_library_it_says_what_to_install(
        tmp_path: Path, capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpio, "is_installed", lambda: False)
    code, out = checked(tmp_path, "/dev/null", capsys)
    assert code == 1
    assert "line inputs: pulse inputs need the Python library gpiod: install wum-edge[" in out
