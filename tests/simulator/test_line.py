"""The link to a line: there when the line can be used, gone when not, never taken from another."""

import os
from pathlib import Path

import pytest

from wum_simulator.line import Busy, Line


def test_what_the_master_writes_is_read_and_the_other_way_round(tmp_path: Path) -> None:
    line = Line(tmp_path / "line")
    line.publish()
    far = os.open(tmp_path / "line", os.O_RDWR | os.O_NOCTTY)
    os.write(far, b"\x01\n\r\x03\xff")      # Raw: no byte means anything to the kernel.
    assert line.read() == b"\x01\n\r\x03\xff"
    assert line.read() == b""
    line.write(b"\x04\x11\r\n")
    assert os.read(far, 10) == b"\x04\x11\r\n"
    os.close(far)
    line.close()


def test_a_master_may_come_and_go(tmp_path: Path) -> None:
    line = Line(tmp_path / "line")
    line.publish()
    for _ in range(2):
        far = os.open(tmp_path / "line", os.O_RDWR | os.O_NOCTTY)
        os.write(far, b"hello")
        os.close(far)
        assert line.read() == b"hello"
        assert line.read() == b""
    line.close()


def test_the_link_is_gone_at_the_end_and_nothing_is_left(tmp_path: Path) -> None:
    line = Line(tmp_path / "line")
    assert not (tmp_path / "line").is_symlink()    # Not before it is ready.
    line.publish()
    assert (tmp_path / "line").is_symlink()
    line.close()
    assert list(tmp_path.iterdir()) == []


def test_a_line_in_use_is_refused_and_goes_on(tmp_path: Path) -> None:
    line = Line(tmp_path / "line")
    line.publish()
    with pytest.raises(Busy, match="another wum-simulator serves this line"):
        Line(tmp_path / "line")
    assert os.readlink(tmp_path / "line") == line.device
    line.close()


def test_a_link_that_a_killed_run_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "line").symlink_to("/dev/pts/99999")
    (tmp_path / "line.lock").touch()
    line = Line(tmp_path / "line")
    line.publish()
    assert os.readlink(tmp_path / "line") == line.device
    line.close()


def test_what_is_no_simulated_line_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "tty").symlink_to("/dev/ttyUSB0")
    with pytest.raises(Busy, match="is there already"):
        Line(tmp_path / "file")
    with pytest.raises(Busy, match="/dev/ttyUSB0, which is no simulated line"):
        Line(tmp_path / "tty")
    assert (tmp_path / "file").read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "tty"]


def test_answers_that_nobody_reads_are_lost_and_block_nothing(tmp_path: Path) -> None:
    line = Line(tmp_path / "line")
    for _ in range(100):
        line.write(bytes(1000))
    assert line.lost_bytes > 0
    line.close()
