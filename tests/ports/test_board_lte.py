"""LTE on a virtual board: a modem in every state that a person may have to mend, each in its words.

The modem is simulated at a pty, PPP is a shim: docs/boards.md.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports.modem import Modem
from tests.ports.test_board_states import START, Tried
from wum_simulator.board.frozen import gateway
from wum_simulator.board.supervisor import RESET, Uart

# The same waits, and quicker.
WAITS: dict[str, dict[str, int]] = {
    "wum_edge.ports.micropython.dialling": {
        "ANSWER_MS": 400, "PAUSE_MS": 50, "GUARD_MS": 50, "SIM_TRIES": 3, "AWAKE_TRIES": 6,
        "NETWORK_TRIES": 8, "DENIED_MAX": 2},
    "wum_edge.ports.micropython.lte": {"PPP_MS": 1000},
    "wum_edge.ports.micropython.main": {"TICK_MS": 40},
    "wum_edge.uplink.reconnect": {"WINDOW_MS": 600, "WINDOW_MAX_MS": 600}}
HASTE = "from change import change\n" + "".join(
    "change(%r, **%r)\n" % one for one in WAITS.items()) + START
CHANGEABLE = tuple("%s.%s" % (module, name) for module, waits in WAITS.items() for name in waits)


@pytest.fixture
def modem() -> Iterator[Modem]:
    with Modem() as one:
        yield one


def board(folder: Path, modem: Modem, **setting: object) -> Tried:
    folder.mkdir(exist_ok=True)
    return Tried(folder, start=HASTE, sources=gateway(HASTE, CHANGEABLE), cause=RESET,
                 uarts={2: Uart(modem.pty.path, paced=False)},
                 lte={"uart": 2, "apn": "internet", **setting})


def test_every_state_on_the_way_to_a_connection_has_its_own_words(
        tmp_path: Path, modem: Modem) -> None:
    modem.is_on = False
    with board(tmp_path / "a", modem) as one:
        def turns_out(words: str) -> None:
            one.says("! no LTE: " + words)
            one.shows("! no LTE: " + words)
        turns_out("the modem does not answer: its power, tx, rx and baud of its UART (trying again")
        modem.is_on, modem.has_sim = True, False
        turns_out("there is no SIM in the modem (trying again")
        modem.has_sim, modem.pin = True, "1234"
        turns_out("the SIM wants its PIN: set the board up again, --sim-pin-file")
        modem.is_locked = True
        turns_out("the SIM is locked, and wants its PUK: a phone takes it")
        modem.is_locked, modem.pin, modem.state, modem.signal = False, "", 2, 99
        turns_out("no network takes it (no signal): antenna, and is there LTE here?")
        assert "AT+CFUN=1,1" in modem.said
        modem.state, modem.signal = 3, 12
        turns_out("the network refuses this SIM (signal -89 dBm): its contract, or roaming")
        modem.state, modem.dials = 5, "NO CARRIER"
        turns_out("dialling was refused (NO CARRIER): is the APN internet the contract's?")
        modem.dials, modem.gives_address = "CONNECT 115200", False
        turns_out("it got no address within 1 s: is the APN internet the contract's")
        assert "no connection to the broker" not in one.board.said()
        modem.gives_address = True
        one.says("LTE: connected, as 10.64.0.2")
        one.says("! 127.0.0.1:1: no connection: ")       # Now somebody tries.
        modem.hang_up()
        one.says("! no LTE: the connection is lost")
        one._until(lambda: one.board.said().count("LTE: connected") == 2, "another connection")
        assert 'AT+CGDCONT=1,"IP","internet"' in modem.said
        assert not [command for command in modem.said if command.startswith("AT+CPIN=")]


def test_a_wrong_pin_is_given_once_and_by_no_later_start(tmp_path: Path, modem: Modem) -> None:
    modem.pin = "1234"
    with board(tmp_path / "a", modem, pin="4321") as one:
        one.says("! no LTE: the SIM refuses the PIN (incorrect): it is not tried again")
    with board(tmp_path / "b", modem, pin="4321") as one:
        one.says("! no LTE: the SIM has refused a PIN, and leaves 2 tries: none is made here")
        one.shows("leaves 2 tries")
        assert "4321" not in one.board.said() + one.page()
    assert [command for command in modem.said if command.startswith("AT+CPIN=")] == [
        'AT+CPIN="4321"']


def test_the_right_pin_opens_it_and_a_modem_left_in_data_is_called_back(
        tmp_path: Path, modem: Modem) -> None:
    modem.pin, modem.in_data = "1234", True
    with board(tmp_path / "a", modem, pin="1234") as one:
        one.says("LTE: connected, as 10.64.0.2")
        assert modem.said[:2] == ["ATH", "AT"] and 'AT+CPIN="1234"' in modem.said


def test_a_setting_that_is_none_is_said_and_the_rest_goes_on(tmp_path: Path, modem: Modem) -> None:
    with board(tmp_path / "a", modem, apn=None) as one:
        one.says("! no LTE: board.json: lte.apn is missing or wrong: set the board up again")
        one.says("records archived")
    assert modem.said == []
