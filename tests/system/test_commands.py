"""Commands through real processes: a group's order to two gateways, and meters lent to other
people's clients through `wum-cloud session`.

What became of an act is seen by gurux-dlms and pymodbus, over the session: neither has a line of
code in common with what carried it out.
"""

import asyncio
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from gurux_dlms.enums import InterfaceType
from gurux_dlms.GXByteBuffer import GXByteBuffer
from gurux_dlms.GXReplyData import GXReplyData
from gurux_dlms.objects import GXDLMSDisconnectControl, GXDLMSRegister
from gurux_dlms.secure import GXDLMSSecureClient
from pymodbus import FramerType
from pymodbus.client import ModbusTcpClient

from demo.loopback import free_port
from tests.system.test_enrolment import Place, place
from wum_cloud.audit.acts import Actor
from wum_cloud.commands.groups import managing
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.requesting import Requested, Wanted, approve, request
from wum_cloud.database import Connection, connect
from wum_cloud.registry.reach import Reach

__all__ = ["place"]     # The fixture: a head-end and its broker, running.
_BIN = Path(sys.executable).parent
_PATIENCE_S = 60
_HERE, _DORA, _OTTO = Reach(1), Actor(1, "dora", ""), Actor(1, "otto", "")
_Made = TypeVar("_Made")


class Cabinet:
    """A gateway that was claimed, and its lines behind serial servers: (model, meters) of each."""

    def __init__(self, place: Place, name: str, lines: list[tuple[str, list[str]]],
                 epoch_s: int) -> None:
        self.place, self.name, self.epoch_s = place, name, epoch_s
        self._lines = [(free_port(), model, serials) for model, serials in lines]
        keys = place.folder / (name + "-keys")
        code = re.findall(r"Claim code: (\S+)",
                          place.run("wum-edge", "claim", "--keys", str(keys)))[0]
        place.run("wum-cloud", "claim", code, "--name", name)
        place.run("wum-edge", "enrol", "--keys", str(keys), "--broker", "localhost", "--port",
                  str(place.port), "--ca-file", str(place.certificate), "--wait-s", "60")
        self._file = place.folder / (name + ".toml")
        self._file.write_text(
            f'[concentrator]\nname = "{name}"\nkeys = "{keys}"\n'
            f'archive = "{place.folder / (name + "-archive")}"\narchive_limit_mb = 16\n'
            'disconnect_delay_s = 1\n'
            f'[broker]\nhost = "localhost"\nport = {place.port}\nca_file = "{place.certificate}"\n'
            '[schedule]\nperiod_s = 5\n' + "".join(map(self._line, self._lines)))

    def _line(self, line: tuple[int, str, list[str]]) -> str:
        port, model, serials = line
        name = serials[0].lower()
        return f'[[line]]\nname = "{name}"\nport = "tcp://127.0.0.1:{port}"\n' + "".join(
            f'[[meter]]\nserial = "{serial}"\nline = "{name}"\naddress = {address}\n'
            f'model = "{model}"\n' for address, serial in enumerate(serials, 1))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Its meters and its gateway."""
        with ExitStack() as stack:
            for port, model, serials in self._lines:
                stack.enter_context(self.place.started(
                    "meters-" + serials[0], [
                        str(_BIN / "wum-simulator"), "serve", "--listen", "127.0.0.1:%d" % port,
                        "--model", model, "--meters", str(len(serials))]))
            stack.enter_context(self.place.started("edge-" + self.name, [
                str(_BIN / "wum-edge"), "run", "--config", str(self._file), "--epoch-s",
                str(self.epoch_s)]))
            yield

    def begun(self) -> list[str]:
        """The orders that it has begun, by what they are."""
        log = (self.place.folder / ("edge-%s.log" % self.name)).read_text()
        return re.findall(r"order \d+ begun: (.+)", log)


def do(place: Place, act: Callable[[Connection], Awaitable[_Made]]) -> _Made:
    """What people do at the head-end, in one transaction."""
    async def once() -> _Made:
        async with await connect(place.url) as connection:
            return await act(connection)
    return asyncio.run(once())


def ask(place: Place, kind: str, *targets: str, group: str = "", **values: int | bool,
        ) -> Requested:
    return do(place, lambda connection: request(connection, _HERE, _DORA, "dora", Wanted(
        kind, list(targets), "a test of the way", dict(values), group=group)))


def agree(place: Place, made: Requested, actor: Actor = _OTTO) -> None:
    do(place, lambda connection: approve(
        connection, _HERE, actor, actor.name, made.request_id))


def states(place: Place, made: Requested) -> list[tuple[object, ...]]:
    return place.ask("select m.serial, c.state, c.told from command c join meter m using (meter_id)"
                     " where request_id = %d order by 1" % made.request_id)


class Lent:
    """`wum-cloud session` for a command, and where its tool connects."""

    def __init__(self, place: Place, command: int) -> None:
        self._place, self._command, self.port = place, command, free_port()
        self._log = place.folder / ("session-%d.log" % command)

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        with self._place.started("session-%d" % self._command, [
                str(_BIN / "wum-cloud"), "session", str(self._command), "--listen",
                "127.0.0.1:%d" % self.port]) as process:
            yield process

    def says(self, words: str) -> None:
        """Until it says so."""
        self._place.wait_for("'%s' of the session" % words, lambda: (
            self._log.exists() and words in self._log.read_text()))

    def recorded(self, direction: str) -> bytes:
        """What is on record of it."""
        (found,), = self._place.ask(
            "select coalesce(string_agg(data, '' order by number), '') from session_piece"
            " where command_id = %d and direction = '%s'" % (self._command, direction))
        assert isinstance(found, bytes)
        return found


class Gurux:
    """Their DLMS client, through a TCP port."""

    def __init__(self, port: int, address: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)
        self.said = b""
        self._client = GXDLMSSecureClient(
            True, 16, GXDLMSSecureClient.getServerAddress(1, address), 0, None,
            InterfaceType.HDLC)
        self._client.parseUAResponse(self._ask(self._client.snrmRequest()).data)
        self._client.parseAareResponse(self._ask(self._client.aarqRequest()).data)

    def read(self, item: Any, number: int) -> Any:
        """One attribute."""
        reply = self._ask(self._client.read(item, number))
        return self._client.updateValue(item, number, reply.value)

    def close(self) -> None:
        self._ask(self._client.disconnectRequest())
        self._socket.close()

    def _ask(self, frames: Any) -> GXReplyData:
        reply = GXReplyData()
        for frame in frames if isinstance(frames, list) else [frames]:
            self._say(frame, reply)
            while reply.isMoreData():
                self._say(self._client.receiverReady(reply), reply)
        assert not reply.error, reply.error
        return reply

    def _say(self, frame: Any, reply: GXReplyData) -> None:
        self.said += bytes(frame)
        self._socket.sendall(bytes(frame))
        heard = GXByteBuffer()
        while True:
            more = self._socket.recv(4096)
            assert more, "the session ended"
            heard.set(more)
            if self._client.getData(heard, reply):
                return


def test_a_group_acts_once_and_meters_are_lent_to_the_clients_of_others(place: Place) -> None:
    # The second changes its keys all the time: what it was told of its groups is soon of old ones.
    first = Cabinet(place, "first", [("dlms-three-phase", ["D-1", "D-2"])], 86400)
    second = Cabinet(place, "second", [
        ("dlms-three-phase", ["D-3"]), ("eastron-sdm630", ["M-1"])], 2)
    with first.running(), second.running(), ExitStack() as stack:
        place.wait_for("meters", lambda: place.ask("select count(*) from meter") == [(4,)])
        lent, timed = a_session_that_is_timed(place, stack)
        a_group_acts_once(place, first, second)
        what_came_of_it_is_seen_by_others(place)
        timed.says("Over: the concentrator ended it")
        place.wait_for("its end", lambda: states(place, lent)[0][1] == "done")
        assert "its time was over" in str(states(place, lent)[0][2])


def a_session_that_is_timed(place: Place, stack: ExitStack) -> tuple[Requested, Lent]:
    """Of 30 s with the Modbus meter, through which pymodbus reads it; it goes on beside the rest.
    """
    made = ask(place, "session", "M-1", seconds=30)
    assert made.needs_approval
    with pytest.raises(CommandRefused, match="a second person has to agree"):
        agree(place, made, _DORA)
    lent = Lent(place, made.command_ids[0])
    stack.enter_context(lent.running())
    lent.says("Waiting for a second person to agree")
    assert place.ask("select count(*) from command_order join command using (command_id)"
                     " where kind = 10") == [(0,)], "nothing is signed"
    agree(place, made)
    lent.says("Open: connect the tool")
    tool = ModbusTcpClient("127.0.0.1", port=lent.port, framer=FramerType.RTU, timeout=_PATIENCE_S)
    assert tool.connect()
    answer = tool.read_input_registers(0, count=2, device_id=1)
    assert not answer.isError()
    volts = tool.convert_from_registers(answer.registers, tool.DATATYPE.FLOAT32)
    assert isinstance(volts, float) and 180 < volts < 260
    tool.close()
    assert lent.recorded("down")[:6] == bytes([1, 4, 0, 0, 0, 2])
    assert lent.recorded("up")[:3] == bytes([1, 4, 4])
    (act,), = place.ask("select count(*) from audit_entry where act = 'session lent'")
    assert act == 1
    return made, lent


def a_group_acts_once(place: Place, *cabinets: Cabinet) -> None:
    """Three meters behind two gateways are disconnected by one signed order."""
    do(place, lambda connection: managing.set_group(
        connection, _HERE, _DORA, "houses", ["D-1", "D-2", "D-3"]))
    place.wait_for("members", lambda: place.ask(
        "select count(*) from command_group_member where is_confirmed") == [(2,)])
    made = ask(place, "disconnect", group="houses")
    place.wait_for("ends", lambda: [one[:2] for one in states(place, made)] == [
        ("D-1", "done"), ("D-2", "done"), ("D-3", "done")])
    signed = place.ask("select distinct o.sequence from command_order o join command using"
                       " (command_id) where request_id = %d and o.to_group" % made.request_id)
    assert len(signed) == 1, "one order for all"
    said = place.ask("select c.command_id from command c join command_receipt r using (command_id)"
                     " where c.request_id = %d and r.state = 2 and length(r.signed) > 64"
                     % made.request_id)
    assert len(said) == 3, "a signed receipt for each"
    assert [cabinet.begun().count("disconnect") for cabinet in cabinets] == [1, 1]
    made = ask(place, "disconnect", "M-1")
    place.wait_for("refusal", lambda: states(place, made) == [
        ("M-1", "failed", "it cannot be done here: eastron-sdm630 has no switch")])
    assert [cabinet.begun().count("disconnect") for cabinet in cabinets] == [1, 1]


def what_came_of_it_is_seen_by_others(place: Place) -> None:
    """gurux reads two switches and a register of a meter that is lent to it, which comes late."""
    made = ask(place, "session", "D-2", seconds=300)
    agree(place, made)
    place.wait_for("session", lambda: states(place, made)[0][1] == "received")
    lent = Lent(place, made.command_ids[0])
    with lent.running() as process:
        lent.says("Open: connect the tool")
        said = b""
        for address in (1, 2):
            meter = Gurux(lent.port, address)
            switch = GXDLMSDisconnectControl("0.0.96.3.10.255")
            assert meter.read(switch, 2) is False, "it is disconnected"
            energy = GXDLMSRegister("1.0.1.8.0.255")
            assert meter.read(energy, 2) > 0
            meter.close()
            said += meter.said
        assert lent.recorded("down") == said
        process.send_signal(signal.SIGTERM)
        assert process.wait(_PATIENCE_S) == 0
        lent.says("Over: it was ended here.")
    place.wait_for("its end", lambda: states(place, made)[0][1] == "done")
    assert "the head-end ended it" in str(states(place, made)[0][2])
