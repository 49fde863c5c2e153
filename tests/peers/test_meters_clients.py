"""Other people's masters against the town's meters: pyMeterBus on a pty, iec62056-21 over TCP, and
smllib on what a meter pushes.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import serial

from tests.simulator.running import START_S, serving
from wum_shared.units import scaled_to_text
from wum_simulator.catalog import model, model_names
from wum_simulator.meters.mbus import plate_of
from wum_simulator.meters.sml_file import file_of, server_id
from wum_simulator.town import Meter, meters
from wum_simulator.world import Dice

meterbus: Any = pytest.importorskip("meterbus")
iec62056: Any = pytest.importorskip("iec62056_21.client")
smllib: Any = pytest.importorskip("smllib")

MBUS = ["saia-burgess-ale3", "emu-professional-3-75"]
ACK = b"\xe5"


def town(models: list[str], count: int = 2) -> list[Meter]:
    """The meters that a run of the simulator with these arguments has."""
    return meters(Dice(7), models, count=count)


def exact(meter: Meter) -> list[Fraction]:
    """What it shows, in the registers' units."""
    return [Fraction(scaled_to_text(one.scaled, one.register.scaler))
            for one in meter.showing(START_S) if one.scaled is not None]


@contextmanager
def master(folder: Path) -> Iterator[serial.Serial]:
    """A pty with two M-Bus meters, opened as their master."""
    with serving(folder, "--meters", "2", *[part for name in MBUS for part in ("--model", name)]
                 ) as running, serial.Serial(str(running.link), 2400, 8, "E", 1, 2) as tty:
        yield tty


def numbers(answer: bytes, count: int) -> list[Fraction]:
    """The first records of an answer, by pyMeterBus."""
    return [Fraction(str(record.interpreted["value"]))
            for record in meterbus.load(answer).records[:count]]


def near(found: list[Fraction], wanted: list[Fraction]) -> bool:
    return len(found) == len(wanted) and all(
        abs(one - other) <= abs(other) / 10**6 for one, other in zip(found, wanted, strict=True))


def test_pymeterbus_reads_the_towns_meters_by_primary_address(tmp_path: Path) -> None:
    with master(tmp_path) as tty:
        for meter in town(MBUS):
            meterbus.send_ping_frame(tty, meter.address)
            assert meterbus.recv_frame(tty, 1) == ACK
            meterbus.send_request_frame(tty, meter.address)
            wanted = exact(meter)
            assert near(numbers(meterbus.recv_frame(tty, 1), len(wanted)), wanted)


def test_pymeterbus_reads_the_towns_meters_by_secondary_address(tmp_path: Path) -> None:
    with master(tmp_path) as tty:
        for meter in reversed(town(MBUS)):
            octets = plate_of(meter).octets()
            # Its text has the maker's bytes as they go over the wire; the number is turned round.
            meterbus.send_select_frame(tty, meter.serial + octets[4:].hex())
            assert meterbus.recv_frame(tty, 1) == ACK
            meterbus.send_request_frame(tty, meterbus.ADDRESS_NETWORK_LAYER)
            answer = meterbus.recv_frame(tty, 1)
            wanted = exact(meter)
            assert near(numbers(answer, len(wanted)), wanted)
            assert bytes(meterbus.load(answer).body.bodyHeader.id_nr) == bytes.fromhex(
                meter.serial)
        # A number that nobody has selects nobody, and unselects the other.
        meterbus.send_select_frame(tty, "11111111FFFFFFFF")
        assert meterbus.recv_frame(tty, 1) is None


@contextmanager
def on_tcp(*arguments: str) -> Iterator[tuple[str, int]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "wum_simulator", "serve", "--listen", "127.0.0.1:0", "--start-s",
         str(START_S), "--speed", "0", *arguments], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        found = re.search(r"tcp://127.0.0.1:(\d+)", process.stderr.readline())
        assert found
        yield "127.0.0.1", int(found[1])
    finally:
        process.kill()
        process.wait(10)
        process.stderr.close()


@contextmanager
def iec_client(address: str, meters_there: int = 2) -> Iterator[Any]:
    with on_tcp("--meters", str(meters_there), "--model", "iskra-mt174") as where:
        client = iec62056.Iec6205621Client.with_tcp_transport(
            where, device_address=address, password="00000000")
        client.connect()
        try:
            yield client
        finally:
            client.disconnect()


def test_iec62056_21_reads_out_the_meter_that_it_calls() -> None:
    meter = town(["iskra-mt174"])[1]
    with iec_client("2") as client:
        answer = client.standard_readout()
    found = {one.address: one for one in answer.data}
    assert found["0.0.0"].value == "00000002"
    for one in meter.showing(START_S):
        line = found[one.register.obis.split(":")[1]]
        assert one.scaled is not None and line.unit in ("kWh", "kW")
        assert 1000 * Fraction(line.value) == Fraction(
            scaled_to_text(one.scaled, one.register.scaler))


def test_iec62056_21_reads_single_values_in_programming_mode() -> None:
    """Without the password: its own makes a message with None in it, which no meter takes."""
    meter = town(["iskra-mt174"])[0]
    with iec_client("1") as client:
        assert client.access_programming_mode().command == "P"
        shown = client.read_single_value("1.8.0", "")
        # It takes an answer without an address for a text: the unit is still in it.
        assert 1000 * Fraction(shown.value.removesuffix("*kWh")) == exact(meter)[0]
        client.send_break()


SML = [name for name in model_names() if model(name).protocol == "sml"]


@pytest.mark.parametrize("name", SML)
def test_smllib_reads_what_the_towns_meters_push(name: str) -> None:
    meter = town([name])[0]
    reader = smllib.SmlStreamReader()
    reader.add(file_of(meter, START_S))
    frame = reader.get_frame()
    values = frame.parse_frame()[1].message_body
    assert values.server_id == server_id(meter).hex()
    assert [Fraction(one.value) * Fraction(10) ** one.scaler for one in values.val_list] == exact(
        meter)
