"""Contacts on command: moved once, heard as edges, refused by a sentence."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.simulator.running import END_S, simulator
from wum_simulator.meters.disk import Disk
from wum_simulator.pulse_control import PulseControl
from wum_simulator.pulse_server import PulseServer
from wum_simulator.town import meters
from wum_simulator.world import World


def control(contacts: list[int]) -> tuple[PulseControl, PulseServer]:
    world = World(7)
    [meter] = meters(world.dice, ["water-1-litre-pulse"], count=1)
    server = PulseServer([1, *contacts], world.elapsed_s)
    return PulseControl(world, {1: Disk(meter, world.now_s)}, contacts, server), server


def said(asked: PulseControl, **request: object) -> dict[str, object]:
    return asked.answer(json.dumps(request).encode())


def test_a_contact_moves_once_for_each_change() -> None:
    asked, server = control([17])
    for closed in (True, True, False):
        assert said(asked, do="contact", input=17, closed=closed)["ok"]
    assert server._line(17).split()[1::2] == [b"2", b"0"]
    assert said(asked, do="status")["contacts"] == [{"input": 17, "closed": False}]
    assert said(asked, do="registers", address=1)["model"] == "water-1-litre-pulse"


@pytest.mark.parametrize(("request_", "words"), [
    ({"do": "contact", "input": 1, "closed": True}, "input: wanted one of 17; got 1"),
    ({"do": "contact", "input": 17, "closed": 1}, "wanted true or false"),
    ({"do": "contact", "input": 300, "closed": True}, "wanted 0..255"),
    ({"do": "registers", "address": 2}, "address: wanted one of 1; got 2"),
    ({"do": "noise"}, "wanted status, registers or contact"),
])
def test_what_cannot_be_done_is_a_sentence(request_: dict[str, object], words: str) -> None:
    answer = said(control([17])[0], **request_)
    assert not answer["ok"] and words in str(answer["error"])


def test_an_input_is_one_meters_or_one_contacts() -> None:
    for contacts in ([1], [17, 17], [256]):
        with pytest.raises(ValueError, match="contact: "):
            control(contacts)


def test_the_command_line_serves_moves_and_ends(tmp_path: Path) -> None:
    edges, asked = tmp_path / "edges", tmp_path / "control"
    process = subprocess.Popen(
        [sys.executable, "-m", "wum_simulator", "pulses", "--socket", str(edges), "--control",
         str(asked), "--contact", "17"], stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + END_S
        while not asked.exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        assert oct(os.stat(asked).st_mode)[-3:] == oct(os.stat(edges).st_mode)[-3:] == "600"
        moved = simulator("contact", "--control", str(asked), "--input", "17", "closed")
        assert json.loads(moved.stdout)["contact"] == {"input": 17, "closed": True}
        again = simulator("pulses", "--socket", str(edges))
        assert again.returncode == 1 and "another --socket" in again.stderr
        process.terminate()
        assert process.wait(END_S) == 0 and not edges.exists() and not asked.exists()
    finally:
        process.kill()
        process.wait(END_S)
        assert process.stderr is not None
        process.stderr.close()


@pytest.mark.parametrize(("words", "sentence"), [
    (("pulses", "--socket", "x", "--model", "eastron-sdm630"), "`wum-simulator serve` plays it"),
    (("serve", "--link", "x", "--model", "water-1-litre-pulse"), "`wum-simulator pulses` plays it"),
])
def test_a_meter_of_the_other_command_is_named(words: tuple[str, ...], sentence: str) -> None:
    ended = simulator(*words)
    assert ended.returncode == 1 and sentence in ended.stderr
    assert "Traceback" not in ended.stderr
