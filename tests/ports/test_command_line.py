"""What a person sees of wum-edge: sentences, tables and exit codes, from the real program."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.ports.test_config_file import GOOD
from tests.ports.wire import Meters, Wire
from wum_edge.errors import Refused
from wum_edge.ports.linux.ask import print_refused
from wum_edge.ports.linux.catalog_files import read_catalog


def wum_edge(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wum_edge.ports.linux", *arguments],
                          capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def config(tmp_path: Path, wire: Wire) -> Path:
    (tmp_path / "keys").mkdir()
    file = tmp_path / "edge.toml"
    # The simulated meter may be slow on a machine under load; SDM-0002 keeps the default.
    file.write_text(GOOD.replace("/dev/ttyUSB0", wire.near.path).replace(
        "address = 1\n", "address = 1\ntimeout_ms = 5000\n"))
    return file


def sdm630(unit: int) -> SimDevice:
    registers = {0: 230.04, 2: 231.0, 4: 229.55, 6: 1.234, 52: 850.5, 70: 49.98, 72: 12345.678,
                 74: 0.5}
    data = [SimData(address, values=registers.get(address, 0.0), datatype=DataType.FLOAT32)
            for address in range(0, 80, 2)]
    return SimDevice(id=unit, simdata=data)


def test_a_good_configuration_gives_a_summary(config: Path) -> None:
    ran = wum_edge("check-config", "--config", str(config))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"{config}: good. 2 meters, read every 60 s; batches go to "
                                 "127.0.0.1:1883 without TLS.")
    # One request for 80 words each: 2 x (173 bytes at 9600 8N1 + 20 ms + silence).
    assert ran.stdout.splitlines()[2].split() == [
        "a", ran.stdout.splitlines()[2].split()[1], "9600", "8N1", "2", "2", "0.4", "1", "%"]
    assert "is not there" not in ran.stdout


def test_a_configuration_whose_sweep_is_longer_than_its_period_is_warned_about(
        config: Path) -> None:
    config.write_text(config.read_text().replace("period_s = 60", "period_s = 1").replace(
        'name = "a"\n', 'name = "a"\nbaud = 1200\n'))
    ran = wum_edge("check-config", "--config", str(config))
    assert ran.returncode == 0
    assert "2 Modbus meters at 1200 baud take 3 s of every 1 s: raise the baud to" in ran.stdout


def test_the_plan_says_bytes_turns_and_seconds_and_that_all_fits(config: Path) -> None:
    ran = wum_edge("plan", "--config", str(config))
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("line a: 2 meters, 0.4 s of each 60 s (0.")
    assert lines[2].split() == ["2", "eastron-sdm630", "9600", "8N1", "173", "1", "0.204", "0.4",
                                "0.68", "%"]
    assert lines[3].startswith("  all of them dead would cost ")
    assert lines[4] == "Everything fits 60 s with room to spare."


def test_a_plan_that_does_not_fit_says_what_to_do_and_the_exit_code_is_1(config: Path) -> None:
    config.write_text(config.read_text().replace("period_s = 60", "period_s = 1").replace(
        'name = "a"\n', 'name = "a"\nbaud = 1200\n'))
    ran = wum_edge("plan", "--config", str(config))
    assert ran.returncode == 1
    assert ran.stdout.splitlines()[-1] == (
        "line a: 2 Modbus meters at 1200 baud take 3 s of every 1 s: raise the baud to at least "
        "9600, or share them among 2 lines.")


def test_a_plan_with_two_meters_at_one_address_says_which(config: Path) -> None:
    config.write_text(config.read_text().replace("address = 2", "address = 1"))
    ran = wum_edge("plan", "--config", str(config))
    assert ran.returncode == 2 and "an address that line a has once" in ran.stderr


def test_a_port_that_is_not_there_is_a_note_and_no_mistake(config: Path, wire: Wire) -> None:
    config.write_text(config.read_text().replace(wire.near.path, "/dev/no-such-tty"))
    ran = wum_edge("check-config", "--config", str(config))
    assert ran.returncode == 0 and "/dev/no-such-tty is not there at this moment" in ran.stdout


def test_every_mistake_is_printed_with_its_line_and_the_exit_code_is_2(config: Path) -> None:
    config.write_text(config.read_text().replace("address = 1", "address = 999").replace(
        "period_s", "perod_s"))
    ran = wum_edge("check-config", "--config", str(config))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines() == [
        f"{config}: 2 mistakes",
        "  line 13: schedule.perod_s: wanted period_s (did you mean that?), got an unknown key",
        "  line 22: meter[0].address: wanted 1..247, got 999"]


def test_read_prints_every_register_with_obis_value_unit_status_and_age(
        config: Path, meters: Callable[[list[SimDevice]], Meters]) -> None:
    meters([sdm630(1)])
    ran = wum_edge("read", "SDM-0001", "--config", str(config))
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = [line.split() for line in ran.stdout.splitlines()]
    assert lines[1] == ["register", "OBIS", "value", "unit", "status", "age"]
    table = {line[0]: line[1:] for line in lines[2:]}
    assert len(table) == 23
    assert table["energy_import"] == ["1-0:1.8.0", "12345678", "Wh", "ok", "0", "s"]
    assert table["energy_export"] == ["1-0:2.8.0", "500", "Wh", "ok", "0", "s"]
    assert table["voltage_l1"] == ["1-0:32.7.0", "230.0", "V", "ok", "0", "s"]
    assert table["current_l1"] == ["1-0:31.7.0", "1.23", "A", "ok", "0", "s"]
    assert table["frequency"] == ["1-0:14.7.0", "49.98", "Hz", "ok", "0", "s"]
    assert table["power_factor"] == ["1-0:13.7.0", "0.000", "ok", "0", "s"]


def test_a_silent_meter_is_a_sentence_that_says_what_to_look_at(config: Path, wire: Wire) -> None:
    ran = wum_edge("read", "SDM-0002", "--config", str(config))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(
        f"SDM-0002 at address 2 on line a ({wire.near.path}): silent for 500 ms: check power, A/B "
        "polarity, address and baud.")
    assert len(ran.stderr.splitlines()) == 1


def test_damaged_answers_are_a_sentence_of_their_own(
        config: Path, wire: Wire, meters: Callable[[list[SimDevice]], Meters]) -> None:
    meters([sdm630(1)])
    wire.up = lambda data: [(0.0, data[:-1] + bytes([data[-1] ^ 0x10]))]
    ran = wum_edge("read", "SDM-0001", "--config", str(config))
    assert ran.returncode == 1 and "damaged answers: check the line's termination" in ran.stderr


def test_a_meter_of_another_model_refuses_and_that_is_said(
        config: Path, meters: Callable[[list[SimDevice]], Meters]) -> None:
    meters([SimDevice(id=1, simdata=[SimData(5000, values=1, datatype=DataType.INT16)])])
    ran = wum_edge("read", "SDM-0001", "--config", str(config))
    assert ran.returncode == 1
    assert "it answered that it will not: check the model (eastron-sdm630)" in ran.stderr


def test_an_unknown_meter_comes_with_the_one_that_was_meant(config: Path) -> None:
    ran = wum_edge("read", "SDM-001", "--config", str(config))
    assert ran.returncode == 2 and "(did you mean SDM-0001?)" in ran.stderr


def test_a_line_that_is_not_there_is_one_sentence(config: Path, wire: Wire) -> None:
    config.write_text(config.read_text().replace(wire.near.path, "/dev/no-such-tty"))
    ran = wum_edge("read", "SDM-0001", "--config", str(config))
    assert (ran.returncode, ran.stderr) == (
        1, ("SDM-0001: line a (/dev/no-such-tty): there is no such device: is the adapter plugged "
            "in?\n"))


def test_refused_registers_come_with_their_reasons() -> None:
    model = read_catalog()["eastron-sdm120"]
    said = io.StringIO()
    print_refused(model, {0: Refused("exception 2", 2)}, said)
    assert said.getvalue() == "energy_import: exception 2\n"
    print_refused(model, dict.fromkeys(range(9), Refused("exception 2", 2)), said)
    assert "is it another model than eastron-sdm120?" in said.getvalue()


def test_the_catalogue_is_listed_with_at_least_twelve_models() -> None:
    ran = wum_edge("catalog", "list")
    names = [line.split()[0] for line in ran.stdout.splitlines()[1:]]
    assert ran.returncode == 0 and len(names) >= 12 and "eastron-sdm630" in names


def test_help_names_every_command_and_exit_code() -> None:
    ran = wum_edge("--help")
    assert ran.returncode == 0
    for word in ("run", "check-config", "read", "catalog", "exit codes", "examples"):
        assert word in ran.stdout
    assert wum_edge().returncode == 2
    assert wum_edge("read").returncode == 2
