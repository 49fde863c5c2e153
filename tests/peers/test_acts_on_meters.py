"""Orders on meters of other makers: pymodbus' server, gurux-dlms' server, and a meter after the
text of IEC 62056-21. What they did is read from them, not from what we say of it.
"""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from gurux_dlms.GXDateTime import GXDateTime
from gurux_dlms.GXDLMSLNParameters import GXDLMSLNParameters
from gurux_dlms.objects import GXDLMSDisconnectControl, GXDLMSLimiter, GXDLMSRegister
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.edge.bus import VirtualClock
from tests.edge.samples import catalog_entry, entry
from tests.peers.iec_peer import Peer
from tests.peers.test_dlms_gurux_server import Theirs
from tests.peers.test_dlms_gurux_server import meter as gurux_meter
from tests.ports.wire import Meters, Wire, tcp_meters
from tests.simulator.dlms_bench import Played, model_of
from wum_edge import config
from wum_edge.document import Table
from wum_edge.meters import able
from wum_edge.meters.catalog import Model, check_model, entry_of
from wum_edge.meters.modbus.functions import read_bits, read_words
from wum_edge.meters.reader import Reader
from wum_edge.meters.sweep import Sweep
from wum_edge.meters.turn import Line, converse
from wum_edge.meters.visit import KnownMeter
from wum_edge.meters.work import LineWork
from wum_edge.orders.act import Refused, Result
from wum_edge.orders.meter_acts import MeterAct
from wum_edge.ports.linux.line import SerialLine
from wum_edge.ports.linux.tcp_line import TcpLine
from wum_shared import orders
from wum_shared.order_kinds import encode_arguments
from wum_shared.orders import DONE, FAILED, Order

NOW_S = 1_760_000_400            # 2025-10-09 09:00 UTC, a Thursday.


class Bench:
    """A meter on its line, and the acts of a concentrator's desk."""

    def __init__(self, model: Model, line: Line, *, address: Any = 1, access: Any = None,
                 reader: Reader | None = None) -> None:
        self.clock = VirtualClock(NOW_S)
        self._known = KnownMeter(0, 0, config.Meter(
            "serial", "dp", "line", address, model.model, 2000, access), model)
        self._known.reader = reader
        self._line = line
        self._work = LineWork(Sweep("line", [self._known]))
        self.records: list[object] = []

    def order(self, kind: int, *values: object) -> Result:
        """Carry it out, as a desk does. Raises Refused."""
        results: list[Result] = []
        act = MeterAct(kind, {"serial": 0}, self._work.orders.put, lambda take: take(),
                       lacks=lambda place, what: able.lacks(self._known.model, what))
        order = Order(bytes(8), bytes(8), 1, 0, 0, 1, kind, encode_arguments(
            kind, ["serial", *values]), None)
        act.check(order)
        act.begin(order, results.append)
        self.records += self._work.idle(self._line, self.clock) or []
        return results.pop()

    def refused(self, kind: int, *values: object) -> str:
        """Why it is not even begun."""
        with pytest.raises(Refused) as found:
            self.order(kind, *values)
        assert found.value.reason == orders.CANNOT
        return found.value.note


def modbus_model(**acts: object) -> Model:
    """A type with everything that can be told to a station."""
    own = entry()
    own["acts"] = acts
    return check_model(own)


EVERYTHING = {
    "switch": {"coil": 3}, "secondary": {"register": 20, "open": 0xAA, "closed": 0x55},
    "limit": {"register": 30, "type": "uint32", "word_order": "little-word", "scale": "0.1"},
    "clock": {"register": 40, "form": "fields"}}


@contextmanager
def pymodbus_server(framing: str) -> Iterator[Line]:
    device = SimDevice(id=1, simdata=(
        [SimData(0, values=[True] * 16, datatype=DataType.BITS)],
        [SimData(0, values=[True] * 16, datatype=DataType.BITS)],
        [SimData(0, values=[0x55] * 64, datatype=DataType.REGISTERS)],
        [SimData(0, values=list(range(130)), datatype=DataType.REGISTERS)]))
    if framing == "tcp":
        with tcp_meters([device]) as port:
            line = TcpLine(config.Line("a", f"tcp://127.0.0.1:{port}", 9600, "N", 1, 8))
            yield line
            line.close()
        return
    wire = Wire()
    meters = Meters(wire, [device])
    tty = SerialLine(config.Line("a", wire.near.path, 9600, "N", 1, 8))
    yield tty
    tty.close()
    meters.close()
    wire.close()


@pytest.mark.parametrize("framing", ["rtu", "tcp"])
def test_pymodbus_station_is_read_switched_limited_and_its_clock_set(framing: str) -> None:
    with pymodbus_server(framing) as line:
        model = modbus_model(**EVERYTHING)
        access = entry_of(model.protocol).check_access(Table({"framing": framing}, "access", []))
        bench = Bench(model, line, access=access)
        station = _station(bench, line)
        assert bench.order(orders.READ).state == DONE and len(bench.records) == 1
        assert bench.order(orders.DISCONNECT).state == DONE
        assert converse(read_bits(station, 1, 0, 6), line) == (True, True, True, False, True, True)
        assert bench.order(orders.RECONNECT).state == DONE
        assert converse(read_bits(station, 1, 3, 1), line) == (True,)
        assert bench.order(orders.SECONDARY, False).state == DONE
        assert converse(read_words(station, 3, 19, 3), line) == (0x55, 0xAA, 0x55)
        assert bench.order(orders.LIMIT, 70001, -1).state == DONE
        assert converse(read_words(station, 3, 30, 3), line) == (70001 & 0xFFFF, 1, 0x55)
        assert bench.order(orders.SET_CLOCK).state == DONE
        assert converse(read_words(station, 3, 40, 7), line) == (2025, 10, 9, 9, 0, 0, 0x55)
        inexact = bench.order(orders.LIMIT, 1, -2)
        assert inexact.state == FAILED and "cannot hold 1 x 10^-2 W exactly" in inexact.note
        assert converse(read_words(station, 3, 30, 1), line) == (70001 & 0xFFFF,)


def _station(bench: Bench, line: Line) -> Any:
    bench.order(orders.READ)
    bench.records.clear()
    return bench._known.reader.station  # type: ignore[union-attr]


def test_what_a_station_has_not_there_is_its_refusal_and_what_a_model_has_not_is_never_asked(
        ) -> None:
    with pymodbus_server("rtu") as line:
        bench = Bench(modbus_model(switch={"coil": 999}, clock={"register": 900}), line)
        for kind, name in ((orders.DISCONNECT, "coil 999"), (orders.SET_CLOCK, "900")):
            said = bench.order(kind)
            assert said.state == FAILED and name in said.note, said
    silent = Bench(check_model(catalog_entry("eastron-sdm630")), Line())    # Asked, it would raise.
    assert [silent.refused(kind, *values) for kind, values in (
        (orders.DISCONNECT, ()), (orders.LIMIT, (1, 0)), (orders.SECONDARY, (True,)),
        (orders.SET_CLOCK, ()))] == [
            "eastron-sdm630 has no switch", "eastron-sdm630 has no limiter",
            "eastron-sdm630 has no switch for a secondary load",
            "eastron-sdm630 has no clock that can be set"]


MASS_REGISTERS = {"0.9.1": "03:10:00", "0.9.2": "22-09-08", "0.9.5": "4", "96.3.10": "0"}


def iec(name: str, **more: Any) -> tuple[Bench, Peer]:
    """A catalogue model and its meter: MASS v11 5.1, Ek-C; CE308 as its maker documents it."""
    model = check_model(catalog_entry(name))
    is_mass = name.startswith("mass")
    shown = "000123.456*kWh" if is_mass else ")(".join(["1.5"] * 6)
    registers = {one.source.address or _dotted(one.obis): shown for one in model.registers}
    peer = Peer(
        "/MKS5<2>ADM(M550.2251)" if is_mass else "/EMR5CE308v9", "7", "12345678",
        registers | (MASS_REGISTERS if is_mass else {
            "DATE_": "04.09.10.25", "TIME_": "11:59:50", "RDL04": "0"}),
        {"96.3.10": "[01]", "0.9.1": r"\d\d:\d\d:\d\d", "0.9.2": r"\d\d-\d\d-\d\d",
         "0.9.5": "[1-7]"} if is_mass else {"RDL04": "[01]", "CTIME": r"-?\d\d?"},
        is_sum=not is_mass, answers_break=is_mass, reads="2" if is_mass else "1")
    access = entry_of(model.protocol).check_access(Table({
        "password": more.get("password", "12345678"), "utc_offset_min": 180,
        "summer_time": False}, "access", []))
    return Bench(model, peer, address="7", access=access), peer


def _dotted(obis: bytes) -> str:
    return "%d-%d:%d.%d.%d" % tuple(obis[:5])


@pytest.mark.parametrize("name", ["mass-three-phase", "energomera-ce308"])
def test_a_meter_of_the_standard_is_read_disconnected_and_connected(name: str) -> None:
    bench, peer = iec(name)
    address = "96.3.10" if name.startswith("mass") else "RDL04"
    assert bench.order(orders.READ).state == DONE and len(bench.records) == 1
    assert bench.order(orders.DISCONNECT).state == DONE and peer.registers[address] == "1"
    assert bench.order(orders.RECONNECT).state == DONE and peer.registers[address] == "0"
    assert peer.log == [(address, "1"), (address, "0")], "each once"
    peer.stuck = True
    said = bench.order(orders.DISCONNECT)
    assert said.state == FAILED and "wanted state 1" in said.note
    assert bench.refused(orders.LIMIT, 1, 0) == "%s has no limiter" % name
    assert bench.refused(orders.SECONDARY, True) == (
        "%s has no switch for a secondary load" % name)
    assert len(peer.log) == 3 and not peer.refused


def test_its_clock_is_set_in_its_own_time_or_corrected_as_far_as_the_model_lets() -> None:
    bench, peer = iec("mass-three-phase")
    assert bench.order(orders.SET_CLOCK).state == DONE
    said = datetime.datetime.strptime(
        peer.registers["0.9.2"] + " " + peer.registers["0.9.1"], "%y-%m-%d %H:%M:%S")
    own = datetime.datetime.fromtimestamp(NOW_S, datetime.timezone(datetime.timedelta(hours=3)))
    assert said == own.replace(tzinfo=None) and peer.registers["0.9.5"] == "4", "a Thursday"
    bench, peer = iec("energomera-ce308")
    assert bench.order(orders.SET_CLOCK).state == DONE
    assert peer.log == [("CTIME", "10")], "from 11:59:50 to noon"


def test_a_wrong_password_is_told_and_nothing_is_written() -> None:
    bench, peer = iec("mass-three-phase", password="87654321")
    said = bench.order(orders.DISCONNECT)
    assert said.state == FAILED and "password P1: error message ERRPW" in said.note
    assert "87654321" not in said.note and not peer.log and not peer.refused


class GuruxSwitch(GXDLMSDisconnectControl):
    """With what a meter does when it is asked to: their class leaves it to whoever makes a meter.
    """

    outputState, controlState, asked = True, 1, 0      # noqa: N815 - their names.

    def invoke(self, settings: Any, e: Any) -> None:
        self.asked += 1
        self.outputState = e.index == 2
        self.controlState = 1 if self.outputState else 0


class Gurux(Theirs):
    """Their server with switches and a limiter."""

    def __init__(self) -> None:
        super().__init__("lls", secret=b"12345678")
        self.limiter = GXDLMSLimiter("0.0.17.0.0.255")
        watched = GXDLMSRegister("1.0.1.7.0.255")
        watched.scaler, watched.unit = 0.1, 27
        self.limiter.monitoredValue, self.limiter.monitoredAttributeIndex = watched, 2
        for number in (3, 4, 5, 6, 7):
            self.limiter.setDataType(number, 6)
        self.limiter.thresholdActive = self.limiter.thresholdNormal = 9000
        self.limiter.thresholdEmergency = 1
        self.limiter.minOverThresholdDuration = self.limiter.minUnderThresholdDuration = 30
        self.main, self.boiler = GuruxSwitch("0.0.96.3.10.255"), GuruxSwitch("0.1.96.3.10.255")
        for item in list(self.server.items):
            if isinstance(item, GXDLMSDisconnectControl):
                self.server.items.remove(item)
        for item in (self.main, self.boiler, self.limiter, watched):
            self.server.items.append(item)


@pytest.fixture
def gurux(monkeypatch: pytest.MonkeyPatch) -> tuple[Bench, Gurux]:
    """Two misspellings of theirs stand between a SET and its object."""
    monkeypatch.setattr(GXDLMSLNParameters, "isMultipleBlocks",
                        lambda self: self.multipleBlocks, raising=False)
    monkeypatch.setattr(GXDLMSLNParameters, "setStatus",
                        lambda self, status: setattr(self, "status", status), raising=False)
    line = Gurux()
    reader, _ = gurux_meter("lls")
    played = Played("lls")
    return Bench(model_of(played), line, address=17, reader=reader), line


def test_gurux_meter_is_switched_limited_its_boiler_cut_and_its_clock_set(
        gurux: tuple[Bench, Gurux]) -> None:
    bench, line = gurux
    assert bench.order(orders.READ).state == DONE and len(bench.records) == 1
    assert bench.order(orders.DISCONNECT).state == DONE
    assert (line.main.outputState, line.main.asked, line.boiler.asked) == (False, 1, 0)
    assert bench.order(orders.RECONNECT).state == DONE
    assert (line.main.outputState, line.main.asked) == (True, 2)
    assert bench.order(orders.SECONDARY, False).state == DONE
    assert not line.boiler.outputState and line.main.outputState
    assert bench.order(orders.LIMIT, 2500, 0).state == DONE
    assert line.limiter.thresholdNormal == 25000, "its register counts in tenths"
    line.clock.time = GXDateTime(datetime.datetime.fromtimestamp(NOW_S - 500, datetime.UTC))
    assert bench.order(orders.SET_CLOCK).state == DONE
    assert line.clock.time.value.timestamp() == NOW_S
