"""The line on a real tty: silence before speaking, stale bytes, deadlines, a tty that vanishes."""

import os
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports.wire import Pty, Wire
from wum_edge import config
from wum_edge.errors import LineGone, LineSilent
from wum_edge.meters.modbus.rtu import read_registers, with_crc
from wum_edge.meters.turn import Hearing, Setting, converse
from wum_edge.ports.linux.line import SerialLine


class Until(Hearing):
    """Whole when so many bytes were heard."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, heard: bytes | bytearray) -> bool:
        return len(heard) >= self.size


def settings(path: str, baud: int = 9600) -> config.Line:
    return config.Line("a", path, baud, "N", 1, 8)


def test_what_came_unasked_is_thrown_away_before_anything_is_said(
        wire: Wire, line: SerialLine) -> None:
    assert line.turn(b"hello", Until(1), 30) == b""       # Opens the tty.
    late = with_crc(b"\x07\x03\x04\x00\x01\x00\x02")
    wire.say_to_gateway(late)
    # The stale answer has the right unit and shape, but it came before the question.
    with pytest.raises(LineSilent):
        converse(read_registers(7, 3, 0, 2, 100), line)


def test_an_empty_say_listens_on_to_what_is_already_there(wire: Wire, line: SerialLine) -> None:
    assert line.turn(b"hello", Until(1), 30) == b""
    wire.say_to_gateway(b"late")
    assert line.turn(b"", Until(4), 2000) == b"late"
    assert [data for _, data in wire.heard_at] == [b"hello"]


@pytest.mark.parametrize("baud", [1200, 9600, 115200])
def test_the_line_is_silent_for_three_and_a_half_characters_before_the_next_request(
        wire: Wire, baud: int) -> None:
    wire.reply = lambda data: [(0.0, b"yes")]
    line = SerialLine(settings(wire.near.path, baud))
    for _ in range(8):
        assert line.turn(b"ask", Until(3), 2000) == b"yes"
    line.close()
    asked_at = [at for at, _ in wire.heard_at]
    assert len(asked_at) == 8
    for answered, asked in zip(wire.said_at, asked_at[1:], strict=False):
        assert asked - answered >= max(3.5 * 10 / baud, 0.00175)


def test_an_answer_that_is_arriving_at_the_deadline_may_finish(
        wire: Wire, line: SerialLine, monkeypatch: pytest.MonkeyPatch) -> None:
    # A machine under load makes pauses that no meter makes: let them be seconds here.
    monkeypatch.setattr("wum_edge.ports.linux.wire.ARRIVING_S", 20.0)
    monkeypatch.setattr("wum_edge.ports.linux.wire.FRAME_CHARACTERS", 20000)
    wire.reply = lambda data: [(0.0, b"x" * 10), (1.5, b"x" * 10)]
    assert line.turn(b"ask", Until(20), 1000) == b"x" * 20


def test_an_answer_that_broke_off_before_the_deadline_ends_with_it(
        wire: Wire, line: SerialLine) -> None:
    wire.reply = lambda data: [(0.0, b"xxx")]
    before = time.monotonic()
    assert line.turn(b"ask", Until(20), 200) == b"xxx"
    assert time.monotonic() - before >= 0.2


def test_a_babbler_does_not_hold_the_line_for_ever(wire: Wire, line: SerialLine) -> None:
    enough = threading.Event()

    def babble(data: bytes) -> Iterator[tuple[float, bytes]]:
        end = time.monotonic() + 60
        while not enough.is_set():
            assert time.monotonic() < end
            yield (0.01, b"x")

    wire.reply = babble
    heard = line.turn(b"ask", Until(10000), 100)
    enough.set()
    # The deadline and one longest frame at 9600 baud are 0.37 s; a byte came every 10 ms.
    assert 1 <= len(heard) < 1000


def test_a_setting_is_switched_in_place_after_all_has_left(wire: Wire, line: SerialLine) -> None:
    wire.reply = lambda data: [(0.0, b"yes")]
    assert line.turn(b"ask", Until(3), 2000) == b"yes"
    assert termios.tcgetattr(wire.near.master)[5] == termios.B9600
    line.set(Setting(2400, 8, "N", 1, 30_000))
    assert termios.tcgetattr(wire.near.master)[5] == termios.B2400
    assert line.turn(b"ask", Until(3), 2000) == b"yes"
    answered, asked = wire.said_at[0], wire.heard_at[1][0]
    assert asked - answered >= 0.03, "the new silence holds at once"
    # It was never closed: the lock that keeps other programs away is held all the time.
    with pytest.raises(LineGone, match="another program uses it"):
        SerialLine(settings(wire.near.path)).turn(b"hello", Until(1), 30)


def test_what_was_said_has_left_the_wire_when_the_setting_changes(
        wire: Wire, line: SerialLine) -> None:
    line.set(Setting(300, 8, "N", 1, 0))
    line.turn(b"x" * 30, Until(1), 0)
    before = time.monotonic()
    line.set(Setting(9600, 8, "N", 1, 0))
    # 30 characters at 300 baud are 1 s, which a pty does not take, and the turn waited for.
    assert time.monotonic() - wire.heard_at[0][0] >= 0.98
    assert time.monotonic() - before < 0.9, "it is waited for once"


def test_a_setting_before_the_first_turn_opens_the_line_with_it(
        wire: Wire, line: SerialLine) -> None:
    line.set(Setting(300, 7, "E", 1, 0))     # A pty carries bytes: it takes the baud alone.
    line.turn(b"hello", Until(1), 30)
    assert termios.tcgetattr(wire.near.master)[5] == termios.B300


def test_a_tty_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    line = SerialLine(settings(str(tmp_path / "ttyUSB9")))
    with pytest.raises(LineGone, match=r"line a \(.*ttyUSB9\): there is no such device: is the ad"):
        line.turn(b"hello", Until(1), 30)


def test_what_is_no_tty_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, words in (("file", "this is no serial device"), (".", "this is a folder")):
        line = SerialLine(settings(str(tmp_path / name)))
        with pytest.raises(LineGone, match=words):
            line.turn(b"hello", Until(1), 30)


def test_a_tty_that_vanished_is_reported_and_opened_again_when_it_is_back(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "tty"
    first = Pty()
    link.symlink_to(first.path)
    line = SerialLine(settings(str(link)))
    assert line.turn(b"hello", Until(1), 30) == b""
    link.unlink()
    first.close()
    with pytest.raises(LineGone, match="line a"):
        line.turn(b"hello", Until(1), 30)
    second = Pty()
    link.symlink_to(second.path)
    # It is not tried again at once, whoever asks ...
    with pytest.raises(LineGone):
        line.turn(b"hello", Until(1), 30)
    # ... but after the back-off (a second, told here by a clock that is ahead).
    real = time.monotonic
    monkeypatch.setattr("wum_edge.ports.linux.wire.time.monotonic", lambda: real() + 2)
    assert line.turn(b"hello", Until(1), 30) == b""
    assert os.read(second.master, 5) == b"hello"
    line.close()
    second.close()


def test_a_tty_that_came_back_before_anybody_noticed_costs_no_turn(tmp_path: Path) -> None:
    link = tmp_path / "tty"
    first, second = Pty(), Pty()
    link.symlink_to(first.path)
    line = SerialLine(settings(str(link)))
    assert line.turn(b"hello", Until(1), 30) == b""
    link.unlink()
    link.symlink_to(second.path)
    first.close()
    assert line.turn(b"again", Until(1), 30) == b""
    assert os.read(second.master, 5) == b"again"
    line.close()
    second.close()


def test_two_programs_do_not_talk_on_one_tty(wire: Wire, line: SerialLine) -> None:
    assert line.turn(b"hello", Until(1), 30) == b""
    other = SerialLine(settings(wire.near.path))
    with pytest.raises(LineGone, match="another program uses it"):
        other.turn(b"hello", Until(1), 30)


def test_closing_twice_and_closing_what_was_never_open_is_fine(wire: Wire) -> None:
    line = SerialLine(settings(wire.near.path))
    line.close()
    line.turn(b"hello", Until(1), 30)
    line.close()
    line.close()
