"""IEC 62056-21 against pwitab's library: messages both ways, and every recorded line."""

import contextlib

import pytest
from iec62056_21 import messages as theirs

from tests.peers.score_iec62056_21 import PARTIAL, as_lines, expected, recorded, sets_of
from wum_edge.errors import MeterError
from wum_edge.meters.iec62056_21.dataset import parse_block
from wum_edge.meters.iec62056_21.frame import command_message, data_message, parse_message
from wum_edge.meters.iec62056_21.signon import (
    acknowledgement,
    parse_identification,
    request_message,
)


@pytest.mark.parametrize("address", ["", "00012345", "AB12"])
def test_requests_are_the_same(address: str) -> None:
    assert request_message(address) == theirs.RequestMessage(address).to_bytes()


@pytest.mark.parametrize(("command", "body"), [
    ("R1", "1.8.0()"), ("W1", "0.9.1(120000)"), ("B0", None)])
def test_commands_are_the_same_and_each_reads_the_others(command: str, body: str | None) -> None:
    ours = command_message(command.encode(), None if body is None else body.encode())
    if body is not None:     # Theirs has no break, and writes None before a password.
        found = theirs.CommandMessage.from_representation(ours.decode())
        assert f"{found.command}{found.command_type}" == command
        assert ours == found.to_bytes()
    assert parse_message(ours).command == command.encode()


@pytest.mark.parametrize("line", ["/ISk5\\2MT382-1000", "/LGZ4\\2ZMD120APt.G03", "/ELS5\\@V10.04"])
def test_identifications_are_read_alike(line: str) -> None:
    """Only those with a backslash: of others theirs drops the first character of the type."""
    found = theirs.IdentificationMessage.from_representation(line + "\r\n")
    ours = parse_identification(line.encode() + b"\r\n")
    assert (found.manufacturer, found.switchover_baudrate_char, found.identification) == (
        ours.maker, ours.baud_letter, ours.enhanced + ours.text)


@pytest.mark.parametrize(("letter", "mode"), [("5", "0"), ("6", "1")])
def test_acknowledgements_are_the_same(letter: str, mode: str) -> None:
    assert acknowledgement("0", letter, mode) == theirs.AckOptionSelectMessage(
        mode_char=mode, baud_char=letter).to_bytes()


def test_readouts_are_read_alike() -> None:
    text = "F.F(00)\r\n1.8.0(000285.4*kWh)\r\n1.8.0*01(000100.0*kWh)\r\n!\r\n"
    answer = theirs.ReadoutDataMessage.from_representation(data_message(text.encode()).decode())
    found = parse_block(text.encode(), True)
    assert [(one.address, one.values[0].text, one.values[0].unit or None) for one in found] == [
        (line.address, line.value, line.unit) for block in [answer.data_block]
        for row in block.data_lines for line in row.data_sets]


def test_every_whole_recording_gives_the_lines_of_the_split() -> None:
    compared = 0
    for record in recorded():
        if "bcc" in record:
            continue
        refused = True
        with contextlib.suppress(MeterError):
            assert as_lines(sets_of(record)) == expected(record), record["id"]
            compared += 1
            refused = False
        assert refused == any(part in record["id"] for part in PARTIAL), record["id"]
    assert compared == 11
