"""DLMS meters of the town: several on one line, read as the catalogue says."""

import pytest

from wum_edge.config import Meter
from wum_edge.document import Table
from wum_edge.meters.dlms import entry
from wum_edge.meters.dlms.cost import visit_cost
from wum_edge.meters.dlms.reader import DlmsReader
from wum_edge.meters.dlms.supply import Supply
from wum_edge.meters.reader import Take
from wum_edge.meters.turn import Line, converse
from wum_edge.ports.linux.aes_gcm import AesGcm
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_simulator.meters.dlms import KEYS, PASSWORD, DlmsServer
from wum_simulator.meters.dlms_cosem import PlainCounters
from wum_simulator.quantities import shown
from wum_simulator.town import meters
from wum_simulator.world import Dice

NOW_S = 1_760_000_400
WAYS = {
    "none": {"client": 16},
    "lls": {"client": 2, "authentication": "lls", "password": PASSWORD.decode()},
    "gmac": {"client": 3, "authentication": "hls-gmac", "protection": "both",
             "system_title": "57554d0000000001", "encryption_key": KEYS.encryption.hex(),
             "authentication_key": KEYS.authentication.hex(), "dedicated": True},
}


class _Clock:
    def now_s(self):
        return NOW_S

    def monotonic_ms(self):
        return 0


class _Line(Line):
    def __init__(self, town):
        self.answers = []
        self.server = DlmsServer(town, lambda: NOW_S, lambda request: None,
                                 lambda data, address, request: self.answers.append(data))

    def turn(self, say, is_whole, timeout_ms):
        self.answers.clear()
        for byte in say:
            self.server.hear(bytes([byte]))
        heard = b"".join(self.answers)
        is_whole(heard)
        return heard


@pytest.mark.parametrize("model", sorted(
    name for name, model in read_catalog().items() if model.protocol == "dlms-hdlc"))
@pytest.mark.parametrize("way", WAYS)
def test_every_model_of_the_catalogue_is_played_and_read(model, way):
    town = meters(Dice(7), [model], count=3, first_address=40)
    line, known = _Line(town), read_catalog()[model]
    mistakes = []
    access = entry.check_access(Table(WAYS[way], "access", mistakes))
    assert not mistakes
    for one in town:
        meter = Meter(one.serial, "dp", "line", one.address, model, 1000, access)
        reader = DlmsReader(known, meter, _Clock(), Supply(
            AesGcm(), PlainCounters(), lambda count: bytes(range(count))))
        take = Take()
        converse(reader.read(tuple(range(len(known.registers))), take), line)
        assert not take.errors and not take.refused
        instant = one.instant_at(NOW_S)
        for place, register in enumerate(one.kind.registers):
            micro = shown(register.obis, instant)
            assert abs(take.values[place] * 10**6 - micro * 10**-register.scaler) < 10**6
        assert take.meter_time.utc_s == NOW_S
        if known.manner.profile is not None:
            rows = converse(reader.read_profile(NOW_S - 7200, NOW_S), line)
            assert [row.captured_at_s % 3600 for row in rows] == [0, 0, 0]
            assert all(None not in row.values for row in rows)
        converse(reader.close(), line)


def test_meters_of_the_town_may_demand_a_sign_on(monkeypatch):
    town = meters(Dice(7), ["landis-gyr-e450"], count=2, first_address=40)
    monkeypatch.setitem(town[0].kind.own, "sign_on", "mode-e")
    line, known = _Line(town), read_catalog()["landis-gyr-e450"]
    monkeypatch.setattr(line, "set", lambda setting: None, raising=False)
    places = tuple(range(len(known.registers)))
    for sign_on, count in (("direct", 0), ("mode-e", len(places))):
        model = known._replace(manner=known.manner._replace(sign_on=sign_on))
        for one in town:
            access = entry.check_access(Table({"sign_on_address": str(one.address)}, "a", []))
            reader = DlmsReader(
                model, Meter(one.serial, "dp", "line", one.address, "m", 1000, access), _Clock())
            take = Take()
            converse(reader.read(places, take), line)
            assert len(take.values) == count, take.errors
            converse(reader.close(), line)


@pytest.mark.parametrize("model", sorted(
    name for name, model in read_catalog().items() if model.protocol == "dlms-hdlc"))
@pytest.mark.parametrize("way", WAYS)
def test_a_plan_says_what_a_visit_takes_to_a_hundredth(model, way):
    known = read_catalog()[model]
    town = meters(Dice(7), [model], count=1, first_address=40)
    access = entry.check_access(Table(WAYS[way], "access", []))
    line = _Line(town)
    reader = DlmsReader(known, Meter("M", "dp", "line", 40, model, 1000, access), _Clock(),
                        Supply(AesGcm(), PlainCounters(), lambda count: bytes(range(count))))
    spoken = []
    said = line.turn

    def counted(say, is_whole, timeout_ms):
        heard = said(say, is_whole, timeout_ms)
        spoken.append(len(say) + len(heard))
        return heard

    line.turn = counted
    for _ in range(2):               # The second visit knows scalers and columns.
        spoken.clear()
        converse(reader.read(tuple(range(len(known.registers))), Take()), line)
        if known.manner.events is not None:
            converse(reader.read_events(NOW_S - 3600), line)
        if known.manner.profile is not None:
            converse(reader.read_profile(NOW_S - 3599, NOW_S), line)
        converse(reader.close(), line)
    # The town's profiles are of hours, whatever the model's: one row is due.
    period_s = 3600 if known.manner.profile is None else known.manner.profile.period_s
    size, turns = visit_cost(known, access, period_s)
    assert turns == len(spoken) and abs(size - sum(spoken)) <= size * 0.01
