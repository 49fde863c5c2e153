"""`wum-edge meter` against a simulated DLMS meter, its line replaced by one in memory."""

import json
from pathlib import Path

import pytest

from tests.ports.test_discover import CONFIG
from tests.simulator.dlms_bench import Played, wire_of
from wum_edge.ports.linux import ask_meter
from wum_edge.ports.linux.__main__ import main
from wum_edge.ports.linux.calendar_file import calendar_text, read_calendar
from wum_simulator.meters.dlms_control import one_rate

TWO_RATES = {
    "name": "2026",
    "season": [{"name": "S1", "start": "04-01", "week": "W1"},
               {"name": "0x02", "start": "2026-10-01 06:30", "week": "W1"}],
    "week": [{"name": "W1", "days": [1, 1, 1, 1, 1, 2, 2]}],
    "day": [{"number": 1, "switch": [
        {"start": "00:00", "script": "0-0:10.0.100", "selector": 1},
        {"start": "06:00", "script": "0-0:10.0.100", "selector": 2}]},
        {"number": 2, "switch": [
            {"start": "00:00", "script": "0-0:10.0.100", "selector": 1}]}],
}


class Asked:
    """The command line, its meter and its configuration."""

    def __init__(self, folder: Path, monkeypatch, capsys) -> None:
        self.played = Played()
        self.wire = wire_of(self.played)
        self.wire.set = lambda setting: None
        self.wire.close = lambda: None
        self.config = folder / "edge.toml"
        self.config.write_text(CONFIG.replace("dlms-three-phase", "landis-gyr-e450"))
        self._capsys = capsys
        monkeypatch.setattr(ask_meter, "line_of", lambda line: self.wire)

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        what, *others = arguments
        try:
            code = main(["meter", what, "E-1", *others, "--config", str(self.config)])
        except SystemExit as ended:
            code = ended.code
        said = self._capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def asked(tmp_path, monkeypatch, capsys) -> Asked:
    return Asked(tmp_path, monkeypatch, capsys)


def test_the_limit_is_shown_and_set_in_the_unit_that_is_watched(asked) -> None:
    code, out, _ = asked("limiter")
    assert code == 0 and out.startswith("limiter: 230.0 V now; 230.0 V normally, 115.0 V in an em")
    assert asked("set-limit", "--to", "240.5V", "--yes")[:2] == (
        0, out.replace("230.0", "240.5"))
    code, _, err = asked("set-limit", "--to", "5.75kW", "--yes")
    assert code == 1 and err.endswith("its limiter watches V, not W\n")
    code, _, err = asked("set-limit", "--to", "plenty", "--yes")
    assert code == 2 and "wanted a power such as 5.75kW or 300W, got plenty" in err
    assert asked.played.limiter.attributes[4].value == 2405


def test_nothing_is_written_without_yes(asked) -> None:
    for arguments in (("disconnect",), ("connect",), ("set-clock",), ("activate-calendar",),
                      ("set-limit", "--to", "1V")):
        code, out, err = asked(*arguments)
        assert code == 2 and out == "" and "Nothing was written: add --yes to do it." in err
    assert asked.wire.turns == 0


def test_the_switch_is_read_opened_and_closed(asked) -> None:
    assert asked("switch")[:2] == (0, "switch: closed, control state connected\n")
    assert asked("disconnect", "--yes")[:2] == (0, "switch: the meter says disconnected\n")
    assert asked("switch")[:2] == (0, "switch: open, control state disconnected\n")
    assert asked("connect", "--yes")[0] == 0 and asked.played.switch.connected
    asked.played.switch.stuck = True
    code, _, err = asked("disconnect", "--yes")
    assert code == 1 and "wanted disconnected, the meter says connected" in err


def test_the_clock_is_read_and_set(asked) -> None:
    code, out, _ = asked("clock")
    assert code == 0 and out.startswith("clock: 2025-10-09 09:00:03 UTC, -")
    code, out, _ = asked("set-clock", "--yes")
    assert code == 0 and out.startswith("clock: set; now ")
    assert asked.played.now_s > 1_780_000_000


def test_a_calendar_goes_from_file_to_meter_and_back_unchanged(asked, tmp_path) -> None:
    file = tmp_path / "calendar.json"
    file.write_text(json.dumps(TWO_RATES))
    assert asked("load-calendar", str(file), "--yes")[0] == 0
    code, out, _ = asked("calendar", "--passive")
    assert (code, json.loads(out)) == (0, TWO_RATES)
    assert json.loads(asked("calendar")[1])["name"] == "ONE"
    assert asked("activate-calendar", "--yes")[0] == 0
    assert json.loads(asked("calendar")[1]) == TWO_RATES


def test_every_mistake_of_a_calendar_is_named_with_its_line(asked, tmp_path) -> None:
    file = tmp_path / "calendar.json"
    wrong = json.dumps(TWO_RATES, indent=1).replace('"06:00"', '"26:00"').replace(
        '"04-01"', '"April"').replace("1,\n    2,\n", "1,\n")
    file.write_text(wrong)
    code, _, err = asked("load-calendar", str(file), "--yes")
    assert code == 2 and asked.wire.turns == 0
    assert len(err.splitlines()) == 3
    for line in err.splitlines():
        place = int(line.split(" line ")[1].split(":")[0])
        assert line.split(": ")[1].rsplit(".", 1)[1].split("[")[0] in wrong.splitlines()[place - 1]
    file.write_text(json.dumps({**TWO_RATES, "day": TWO_RATES["day"][:1]}))
    assert "day profile 2 is not there" in asked("load-calendar", str(file), "--yes")[2]
    assert "No such file" in asked("load-calendar", str(tmp_path / "none"), "--yes")[2]


def test_what_has_no_plain_text_comes_back_as_hexadecimal_digits(tmp_path) -> None:
    odd = one_rate(b"\x00\xff")
    odd = odd._replace(seasons=(odd.seasons[0]._replace(start=b"\xff" * 12),), days=(
        odd.days[0]._replace(switches=(odd.days[0].switches[0]._replace(
            start=b"\0\0\x0a\xff", script=b"\1\2"),)),))
    file = tmp_path / "calendar.json"
    file.write_text(calendar_text(odd))
    assert read_calendar(file) == odd
    assert '"0x00ff"' in file.read_text()


@pytest.mark.parametrize(("number", "meaning"), [
    (2, "temporary-failure (2): it is busy: try again"),
    (3, "read-write-denied (3): this client may not"),
    (4, "object-undefined (4): this meter has no such object"),
    (250, "other-reason (250): the meter gives no reason")])
def test_a_refusal_says_what_it_means(asked, number, meaning) -> None:
    asked.played.limiter.refusals[4] = number
    code, out, err = asked("limiter")
    assert (code, out) == (1, "") and meaning in err
    assert "E-1 at address 17 on line a: 0-0:17.0.0" in err


def test_a_wrong_password_is_told_and_not_shown(asked) -> None:
    asked.config.write_text(asked.config.read_text() + """
[meter.access]
authentication = "lls"
password = "open-sesame"
""")
    code, out, err = asked("switch")
    assert (code, out) == (1, "") and "authentication-failure" in err
    assert "open-sesame" not in err


def test_a_silent_meter_and_an_unknown_one_are_told_apart(asked) -> None:
    asked.wire.spoil = lambda turn, data: b""
    code, _, err = asked("switch")
    assert code == 1 and "silent for 500 ms" in err
    asked.config.write_text(asked.config.read_text().replace('"E-1"', '"E-2"'))
    code, _, err = asked("switch")
    assert code == 2 and "did you mean E-2?" in err
