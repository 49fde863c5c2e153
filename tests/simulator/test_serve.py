"""A served line, read by masters that are not ours, and ended by signals."""

import os
import signal
import time
from pathlib import Path

import pytest
from pymodbus.client import ModbusSerialClient

from tests.simulator.running import START_S, asked, framed, serving, simulator, words_in
from wum_simulator.catalog import model
from wum_simulator.town import meters
from wum_simulator.world import Dice


def test_pymodbus_reads_what_the_pure_function_says_of_every_model(tmp_path: Path) -> None:
    names = [name for name, protocol in map(str.split, simulator("models").stdout.splitlines())
             if protocol == model(name).protocol == "modbus-rtu"]
    arguments = [part for name in names for part in ("--model", name)]
    expected = meters(Dice(7), names, count=len(names))
    with serving(tmp_path, "--meters", str(len(names)), *arguments) as running:
        client = ModbusSerialClient(str(running.link), baudrate=115200, timeout=2, retries=0)
        assert client.connect()
        for meter in expected:
            read = {3: client.read_holding_registers, 4: client.read_input_registers}
            for showing in meter.showing(START_S):
                r = showing.register
                answer = read[r.function](r.address, count=r.count, device_id=meter.address)
                assert not answer.isError(), (meter.kind.name, r)
                assert tuple(answer.registers) == showing.words
        client.close()  # type: ignore[no-untyped-call]


def test_a_merged_read_bridges_small_holes_and_not_what_is_outside(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        assert len(words_in(asked(running.link, 1, 0, 80))) == 80
        assert asked(running.link, 1, 5000, 2) == framed(b"\x01\x84\x02")


def test_more_registers_than_the_model_gives_at_once_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        heard = asked(running.link, 1, 0, 81)
        assert heard[:2] == b"\x01\x84"


def test_nobody_answers_for_a_meter_that_is_not_there(tmp_path: Path) -> None:
    with serving(tmp_path, "--meters", "2") as running:
        assert asked(running.link, 3, 0, 2) == b""
        assert asked(running.link, 0, 0, 2) == b""       # Nor to a broadcast.
        assert asked(running.link, 2, 0, 2) != b""


@pytest.mark.parametrize("before", [b"\x01", b"\x01\x04\x00", b"\xff" * 300, bytes(7)])
def test_garbage_and_half_a_request_cost_no_later_request(tmp_path: Path, before: bytes) -> None:
    with serving(tmp_path, "--meters", "2") as running:
        line = os.open(running.link, os.O_RDWR | os.O_NOCTTY)
        os.write(line, before)
        asked(running.link, 2, 0, 2, wait_s=0.1)          # The silence after it ends the frame.
        assert len(words_in(asked(running.link, 1, 0, 2))) == 2
        os.close(line)


def test_a_wrong_check_is_no_request(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        line = os.open(running.link, os.O_RDWR | os.O_NOCTTY)
        os.write(line, b"\x01\x04\x00\x00\x00\x02\x00\x00")
        os.close(line)
        assert running.ask("answers", address=1)["answers"] == []


@pytest.mark.parametrize("number", [16, 64])
def test_many_meters_on_one_line_all_answer(tmp_path: Path, number: int) -> None:
    with serving(tmp_path, "--meters", str(number), "--first-address", "100") as running:
        client = ModbusSerialClient(str(running.link), baudrate=115200, timeout=2, retries=0)
        assert client.connect()
        seen = set()
        for address in range(100, 100 + number):
            answer = client.read_input_registers(0, count=80, device_id=address)
            assert answer.dev_id == address
            seen.add(tuple(answer.registers))
        assert len(seen) == number
        client.close()  # type: ignore[no-untyped-call]


def test_lines_of_one_street_go_on_where_the_line_before_ended(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with (serving(tmp_path / "a", "--meters", "4") as whole,
          serving(tmp_path / "b", "--meters", "2", "--first-consumer", "2") as half):
        assert half.shown(1) == whole.shown(3)
        assert half.shown(2) == whole.shown(4)
        assert half.shown(1) != whole.shown(1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_at_once_and_link_and_socket_are_gone(
        tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as running:
        assert sorted(p.name for p in tmp_path.iterdir()) == ["control", "line", "line.lock"]
        start = time.monotonic()
        assert running.end(number) == 0
        assert time.monotonic() - start < 20
        assert list(tmp_path.iterdir()) == []


def test_an_ignored_interrupt_of_the_shell_is_heard_all_the_same(tmp_path: Path) -> None:
    old = signal.signal(signal.SIGINT, signal.SIG_IGN)   # What a shell does to background jobs.
    try:
        with serving(tmp_path) as running:
            assert running.end(signal.SIGINT) == 0
    finally:
        signal.signal(signal.SIGINT, old)


def test_what_a_killed_run_left_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        running.end(signal.SIGKILL)
        assert (tmp_path / "line").is_symlink()          # The premise: it left them.
        assert (tmp_path / "control").is_socket()
    with serving(tmp_path) as running:
        assert len(words_in(asked(running.link, 1, 0, 2))) == 2
        assert running.ask("status")["seed"] == 7


def test_a_busy_line_or_socket_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        again = simulator("serve", "--link", str(running.link))
        assert again.returncode == 1
        assert again.stderr.startswith(f"wum-simulator: {running.link}: another wum-simulator")
        other = simulator(
            "serve", "--link", str(tmp_path / "other"), "--control", str(running.control))
        assert other.returncode == 1
        assert "another wum-simulator listens there" in other.stderr
        assert not (tmp_path / "other").is_symlink()
        assert len(words_in(asked(running.link, 1, 0, 2))) == 2


@pytest.mark.parametrize(("arguments", "wanted"), [
    (("--model", "none-such"), "wanted one of"),
    (("--meters", "248"), "addresses: wanted 1..247"),
    (("--meters", "0"), "meters: wanted 1"),
    (("--fault-share", "2"), "fault-share: wanted 0..1"),
    (("--speed", "60"), "need a start-s"),
    (("--baud", "-1"), "baud: wanted"),
    (("--delay-ms", "-1"), "delay-ms: wanted"),
])
def test_what_cannot_be_served_is_said_in_one_sentence(
        tmp_path: Path, arguments: tuple[str, ...], wanted: str) -> None:
    done = simulator("serve", "--link", str(tmp_path / "line"), *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("wum-simulator: ")
    assert wanted in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_socket_may_lie_deeper_than_the_kernel_takes_a_name(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120) / "y"
    deep.mkdir(parents=True)
    with serving(deep) as running:
        assert running.ask("status")["seed"] == 7
        again = simulator(
            "serve", "--link", str(deep / "other"), "--control", str(running.control))
        assert "another wum-simulator listens there" in again.stderr
        running.end()
        assert list(deep.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = simulator("serve", "--link", str(tmp_path / "none" / "line"))
    assert done.returncode == 1
    assert str(tmp_path / "none") in done.stderr
    assert "Traceback" not in done.stderr


def test_a_paced_line_takes_the_time_of_its_wire(tmp_path: Path) -> None:
    with serving(tmp_path, "--baud", "9600", "--delay-ms", "20") as running:
        start = time.monotonic()
        heard = asked(running.link, 1, 0, 80, wait_s=0.5)
        took_s = time.monotonic() - start
        floor_s = (8 + 165) * 10 / 9600 + 0.020
        assert len(heard) == 165
        assert floor_s <= took_s                          # Never faster than the wire.


def test_help_says_what_a_person_can_do() -> None:
    done = simulator("--help")
    assert done.returncode == 0
    for word in ("serve", "fault", "registers", "recorded consumption"):
        assert word in done.stdout
    assert "share of bytes" in simulator("fault", "noise", "--help").stdout


def test_real_time_is_the_clock_when_no_other_is_asked_for(tmp_path: Path) -> None:
    with serving(tmp_path, frozen=False) as running:
        assert abs(running.ask("status")["now_s"] - time.time()) < 5
