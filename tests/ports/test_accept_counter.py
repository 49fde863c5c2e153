"""A DLMS meter whose counter was reset is believed again: by a person, on record, and once."""

import json
from pathlib import Path

import pytest

from tests.ports.test_discover import CONFIG
from tests.simulator.dlms_bench import Played, model_of, reader_of, wire_of
from wum_edge.meters.dlms import supply
from wum_edge.meters.dlms.errors import CounterDecreased
from wum_edge.meters.turn import converse
from wum_edge.ports.linux.__main__ import main
from wum_edge.ports.linux.dlms_supply import FILE_NAME, Accepted, CounterFile
from wum_shared.batch import Event
from wum_shared.status import EVENT_COUNTER_ACCEPTED

ACCESS = """
[meter.access]
client = 1
authentication = "hls-gmac"
protection = "both"
system_title = "57554d0000000001"
encryption_key = "000102030405060708090a0b0c0d0e0f"
authentication_key = "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
"""
HEARD = {"E-1/1/57554d0000000001/4d4d4d0000bc614e": 900, "E-1/1/57554d0000000001/ours": 512,
         "E-10/1/57554d0000000001/4d4d4d0000bc614f": 77}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "edge.toml").write_text(
        CONFIG.replace("dlms-three-phase", "landis-gyr-e450") + ACCESS)
    (tmp_path / "edge.toml").chmod(0o600)    # It holds keys.
    keys = tmp_path / "keys"
    keys.mkdir(exist_ok=True)
    (keys / FILE_NAME).write_text(json.dumps({"next": {"E-1/1/5755": 768}, "heard": HEARD}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(supply, "_installed", [])
    return tmp_path


def asked(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str, str]:
    try:
        code = main(["meter", "accept-counter", "E-1", *more,
                     "--config", str(folder / "edge.toml")])
    except SystemExit as ended:
        code = int(str(ended.code))
    said = capsys.readouterr()
    return code, said.out, said.err


def kept(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "keys" / FILE_NAME).read_text())
    return found


def test_without_yes_it_says_what_it_would_forget(
        folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = asked(folder, capsys)
    assert code == 2 and "system title 4d4d4d0000bc614e: 900" in err and "add --yes" in err
    assert "whoever repeats recorded messages looks the same" in err
    assert kept(folder)["heard"] == HEARD


def test_with_yes_it_forgets_that_meter_alone_and_our_counters_go_on(
        folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = asked(folder, capsys, "--yes")
    assert code == 0, err
    assert "The next counter that it says is taken; ours go on." in out
    assert kept(folder)["heard"] == {name: HEARD[name] for name in HEARD if "E-10" in name}
    assert kept(folder)["next"] == {"E-1/1/5755": 768}
    again = CounterFile(folder / "keys" / FILE_NAME)
    assert again.accepted[0].serial == "E-1" and "900" in again.accepted[0].note
    # The gateway archives it, and then it is not told again.
    again.archived([Event(1, 0, 0, EVENT_COUNTER_ACCEPTED, 0, "")])
    assert CounterFile(folder / "keys" / FILE_NAME).accepted == []


def test_there_must_be_something_to_accept_and_no_gateway_running(
        folder: Path, capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(folder, capsys, "--yes")[0] == 0
    code, _, err = asked(folder, capsys, "--yes")
    assert code == 1 and "nothing was heard of its counter" in err
    monkeypatch.setattr(supply, "_installed", [])
    (folder / "keys" / FILE_NAME).unlink()
    (folder / "keys").rmdir()
    code, _, err = asked(folder, capsys, "--yes")
    assert code == 2 and "stop the gateway first" in err


def test_a_meter_that_was_reset_is_read_again(tmp_path: Path) -> None:
    counters = CounterFile(tmp_path / FILE_NAME)
    played = Played("gmac", 0x30)
    line = wire_of(played)
    reader = reader_of(played, model_of(played), counters=counters)
    context = ""

    def opened() -> None:
        converse(reader.session(), line)
        converse(reader.close(), line)
    opened()
    context = next(iter(counters._heard)).rpartition("/")[0]
    counters.note_heard(next(iter(counters.heard_of(context))), 10**6)
    reader = reader_of(played, model_of(played), counters=counters)
    with pytest.raises(CounterDecreased):
        opened()
    counters.accept(context, Accepted("meter", 0, ""))
    reader = reader_of(played, model_of(played), counters=counters)
    opened()


def test_telegrams_that_are_ciphered_have_counters_too(
        folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "edge.toml"
    path.write_text(CONFIG.replace("dlms-three-phase", "smarty-p1") + """
[meter.access]
encryption_key = "000102030405060708090a0b0c0d0e0f"
""")
    heard = {**HEARD, "E-1/p1/534d536770": 77}
    (folder / "keys" / FILE_NAME).write_text(json.dumps({"next": {}, "heard": heard}))
    code, _, err = asked(folder, capsys)
    assert code == 2 and "would forget system title 534d536770: 77" in err
    assert asked(folder, capsys, "--yes")[0] == 0
    assert kept(folder)["heard"] == HEARD, "the DLMS ones are another context"
