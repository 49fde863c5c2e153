"""Faults on command, each seen from the wire as what it is; and what the socket refuses."""

import json
import socket
import time
from pathlib import Path

import pytest

from tests.simulator.running import START_S, Running, asked, framed, serving, simulator, words_in


def fault(running: Running, kind: str, **arguments: object) -> None:
    running.ask("fault", kind=kind, **arguments)


def test_a_silenced_meter_says_nothing_and_the_others_go_on(tmp_path: Path) -> None:
    with serving(tmp_path, "--meters", "3") as running:
        healthy = asked(running.link, 2, 0, 2)
        fault(running, "silence", address=2)
        assert asked(running.link, 2, 0, 2) == b""
        assert len(words_in(asked(running.link, 3, 0, 2))) == 2
        assert running.ask("clear", address=2) == {"cleared": 1}
        assert asked(running.link, 2, 0, 2) == healthy


def test_a_wrong_crc_comes_in_an_answer_that_is_whole(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        healthy = asked(running.link, 1, 0, 2)
        fault(running, "wrong-crc", times=1)
        heard = asked(running.link, 1, 0, 2)
        assert heard[:-1] == healthy[:-1]
        assert framed(heard[:-2]) != heard
        assert asked(running.link, 1, 0, 2) == healthy


def test_noise_hits_the_range_that_it_is_for_and_spares_the_others(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        energies, voltages = asked(running.link, 1, 72, 8), asked(running.link, 1, 0, 6)
        fault(running, "noise", address=1, rate=0.5, first=72)
        assert asked(running.link, 1, 0, 6) == voltages
        damaged = asked(running.link, 1, 72, 8)
        assert damaged != energies
        assert len(damaged) < 3 or framed(damaged[:-2]) != damaged
        answers = running.ask("answers", address=1)["answers"]
        assert [a["intact"] for a in answers] == [True, True, True, False]
        assert bytes.fromhex(answers[-1]["said"]) == damaged
        assert answers[-1]["request"]["first"] == 72


def test_the_same_seed_makes_the_same_noise(tmp_path: Path) -> None:
    heard = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with serving(tmp_path / name, "--seed", "11") as running:
            fault(running, "noise", rate=0.3)
            heard.append([asked(running.link, 1, 0, 40, wait_s=0.1) for _ in range(3)])
    assert heard[0] == heard[1]


def test_a_slow_meter_answers_late_and_wholly(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        fault(running, "slow", ms=400)
        start = time.monotonic()
        heard = asked(running.link, 1, 0, 2, wait_s=2.0)
        assert time.monotonic() - start >= 0.4
        assert len(words_in(heard)) == 2


def test_an_exception_has_the_code_that_was_ordered(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        fault(running, "exception", code=6, first=72, last=79)
        assert asked(running.link, 1, 72, 2) == framed(b"\x01\x84\x06")
        assert len(words_in(asked(running.link, 1, 0, 2))) == 2


def test_a_stale_answer_is_the_one_before_on_this_line(tmp_path: Path) -> None:
    with serving(tmp_path, "--meters", "2") as running:
        fault(running, "stale", address=2)
        assert asked(running.link, 2, 0, 2) == b""          # Nothing was said before.
        first = asked(running.link, 1, 0, 2)
        assert asked(running.link, 2, 0, 2) == first        # Another meter's, and genuine.
        assert words_in(first)


def test_faults_add_up(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        fault(running, "exception", code=2)
        fault(running, "wrong-crc")
        heard = asked(running.link, 1, 0, 2)
        assert heard[:3] == b"\x01\x84\x02"
        assert framed(heard[:-2]) != heard
        assert len(running.ask("status")["faults"]) == 2


def test_planned_faults_happen_without_a_command(tmp_path: Path) -> None:
    with serving(tmp_path, "--fault-share", "1", "--meters", "20") as running:
        whole = [asked(running.link, a, 0, 2, wait_s=0.05) for a in range(1, 21)]
        genuine = [w for w in whole if w and w[1] == 4 and framed(w[:-2]) == w]
        assert len(genuine) < 15


def test_registers_are_those_of_any_second(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        now = running.ask("registers", address=1)
        assert now["at_s"] == START_S
        by_name = {r["name"]: r for r in now["registers"]}
        assert by_name == running.shown(1, START_S)
        assert by_name != running.shown(1, START_S + 3600)
        for r in now["registers"]:
            assert words_in(asked(running.link, 1, r["address"], len(r["words"]))) == r["words"]


def said_raw(running: Running, line: bytes) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(10)
        client.connect(str(running.control))
        client.sendall(line)
        with client.makefile("rb") as answers:
            answer: dict[str, object] = json.loads(answers.readline())
            return answer


@pytest.mark.parametrize(("line", "wanted"), [
    (b"nonsense\n", "wanted one line of JSON"),
    (b"\xff\xfe\n", "wanted one line of JSON"),
    (b"[]\n", "wanted a JSON object"),
    (b'{"do": "explode"}\n', "got 'explode'"),
    (b'{"do": "registers"}\n', "address: wanted 1..2, got None"),
    (b'{"do": "registers", "address": 9}\n', "address: wanted 1..2, got 9"),
    (b'{"do": "registers", "address": true}\n', "address: wanted 1..247, got True"),
    (b'{"do": "registers", "address": 1, "at_s": 5}\n', "at_s: wanted"),
    (b'{"do": "fault", "kind": "fire"}\n', "kind: wanted one of silence"),
    (b'{"do": "fault", "kind": "noise", "rate": "much"}\n', "rate: wanted a float"),
    (b'{"do": "fault", "kind": "noise", "rate": 2}\n', "rate: wanted 0..1"),
    (b'{"do": "fault", "kind": "noise", "colour": 1}\n', "colour: a fault has no such thing"),
    (b'{"do": "fault", "kind": "silence", "address": 9}\n', "address: wanted 1..2, got 9"),
    (b'{"x": "' + b"y" * 5000 + b'"}\n', "at most 4096 bytes"),
])
def test_what_the_socket_cannot_do_is_refused_in_a_sentence(
        tmp_path: Path, line: bytes, wanted: str) -> None:
    with serving(tmp_path, "--meters", "2") as running:
        answer = said_raw(running, line)
        assert answer["ok"] is False
        assert wanted in str(answer["error"])
        assert running.ask("status")["faults"] == []     # And it goes on.


def test_the_socket_is_for_its_user_only(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        assert running.control.stat().st_mode & 0o777 == 0o600


def test_a_client_without_a_run_gets_a_sentence(tmp_path: Path) -> None:
    done = simulator("status", "--control", str(tmp_path / "none"))
    assert done.returncode == 1
    assert done.stderr.startswith("wum-simulator: ")
    assert "Traceback" not in done.stderr


def test_the_command_line_orders_and_clears_and_prints_json(tmp_path: Path) -> None:
    with serving(tmp_path, "--meters", "2") as running:
        control = ("--control", str(running.control))
        done = simulator("fault", "noise", "--address", "2", "--rate", "0.25", *control)
        assert json.loads(done.stdout)["fault"] == {
            "kind": "noise", "address": 2, "first": 0, "last": 65535, "rate": 0.25,
            "code": 4}
        assert len(json.loads(simulator("status", *control).stdout)["faults"]) == 1
        assert json.loads(simulator("fault", "clear", *control).stdout) == {"cleared": 1}
        shown = json.loads(simulator("registers", "--address", "2", *control).stdout)
        assert shown == running.ask("registers", address=2)
        refused = simulator("fault", "silence", "--address", "9", *control)
        assert refused.returncode == 1
        assert refused.stderr == "wum-simulator: address: wanted 1..2, got 9\n"
