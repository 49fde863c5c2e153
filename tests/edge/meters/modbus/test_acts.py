"""What a Modbus model can be told to do: an entry that is wrong is complained of, what cannot be is
refused before anything is written, and what does not happen is told.
"""

from tests.edge.bus import VirtualClock
from tests.edge.samples import entry
from tests.portable import raises
from wum_edge.config import Meter
from wum_edge.errors import CatalogError, Refused
from wum_edge.meters.able import lacks
from wum_edge.meters.catalog import check_model
from wum_edge.meters.modbus import acts
from wum_edge.meters.modbus.reader import ModbusReader
from wum_edge.meters.modbus.station import Reply, Station
from wum_edge.meters.orders import READ_NOW, SET_CLOCK, SET_LIMIT, SWITCH, SWITCH_SECONDARY
from wum_edge.meters.reader import CannotDo
from wum_edge.meters.scaling import WORD_ORDERS, raw_number


class Words(Station):
    """Holding registers and coils by number; what is written is kept unless it is stuck."""

    echoes = False

    def __init__(self):
        self.words, self.said, self.stuck = {}, [], False

    def ask(self, request):
        pdu = request.pdu
        self.said.append(pdu)
        first = pdu[1] << 8 | pdu[2]
        count = pdu[3] << 8 | pdu[4]
        if pdu[0] in (1, 3):
            found = [self.words.get(first + n, 0) for n in range(count)]
            if pdu[0] == 1:
                return Reply(bytes([1, 1, found[0]]), 0)
            return Reply(bytes([3, 2 * count]) + b"".join(
                [bytes([word >> 8, word & 255]) for word in found]), 0)
        if not self.stuck:
            if pdu[0] == 16:
                for n in range(count):
                    self.words[first + n] = pdu[6 + 2 * n] << 8 | pdu[7 + 2 * n]
            else:
                self.words[first] = (count and 1) if pdu[0] == 5 else count
        return Reply(pdu[:5], 0)
        yield


def model(**own):
    document = entry()
    document["acts"] = own
    return check_model(document)


def reader(**own):
    found = ModbusReader(model(**own), Meter("m", "dp", "a", 1, "two-and-one", 500, None),
                         VirtualClock())
    found.station = Words()
    return found, found.station


def run(conversation):
    for _ in conversation:
        raise AssertionError("a turn")


def test_a_wrong_entry_is_complained_of_by_its_path():
    for own, words in (
            ({"switch": {}}, "acts.switch.register"), ({"switch": {"coil": 65536}}, "0..65535"),
            ({"switch": {"coil": 1, "closed": 2}}, "0..1"),
            ({"switch": {"coil": 1, "register": 2}}, "a coil or a register"),
            ({"secondary": {"register": 1, "open": 1}}, "another value than open"),
            ({"limit": {"register": 1, "type": "float32"}}, "acts.limit.type"),
            ({"limit": {"register": 1, "scale": "-1"}}, "above zero"),
            ({"limit": {"register": 65533}}, "0..65532"),
            ({"clock": {"register": 1, "form": "local"}}, "acts.clock.form"),
            ({"clock": {"register": 1, "zone": 1}}, "acts.clock.zone"),
            ({"relay": {"coil": 1}}, "acts.relay")):
        text = str(raises(CatalogError, lambda own=own: model(**own)))
        assert words in text, (own, text)


def test_the_catalogue_says_what_a_meter_lacks_before_it_is_asked():
    own = model(switch={"coil": 1}, clock={"register": 1})
    assert [lacks(own, what) for what in (SWITCH, SET_CLOCK, READ_NOW)] == [""] * 3
    assert lacks(own, SET_LIMIT) == "two-and-one has no limiter"
    assert lacks(own, SWITCH_SECONDARY) == "two-and-one has no switch for a secondary load"
    found, station = reader()
    raises(CannotDo, lambda: run(found.switch(True)))
    assert not station.said


def test_what_says_yes_and_does_nothing_is_told():
    found, station = reader(switch={"coil": 7}, secondary={"register": 9, "closed": 5},
                            limit={"register": 20}, clock={"register": 30})
    station.stuck = True
    station.words = {7: 1, 9: 5, 20: 1, 30: 1}
    for act, words in ((found.switch(False), "switch: wanted 0, it reads 1"),
                       (found.switch_secondary(False), "secondary load: wanted 0, it reads 5"),
                       (found.set_limit(4000, 0), "wanted 4000 in its registers, it reads 1"),
                       (found.set_clock(1760000000), "reads something else")):
        assert words in str(raises(Refused, lambda act=act: run(act)))
    station.stuck = False
    run(found.switch(False))
    assert station.words[7] == 0


def test_a_limit_is_written_exactly_or_not_at_all():
    found, station = reader(limit={"register": 20, "type": "int16", "scale": "10"})
    for value, exponent in ((5, 0), (-10, 0), (32768, 1), (1, 9)):
        assert "exactly" in str(raises(
            Refused, lambda v=value, e=exponent: run(found.set_limit(v, e))))
    assert not station.said
    run(found.set_limit(32767, 1))
    assert station.words == {20: 32767}


def test_words_are_what_is_read_of_them():
    for order in WORD_ORDERS:
        for raw in (0, 1, 0x01020304, 0xFFFFFFFF):
            assert raw_number(acts.words_of(raw, 2, order), order) == raw
        assert acts.words_of(0x0A0B, 1, "little-byte") == (0x0B0A,)


def test_a_clock_is_set_as_seconds_or_as_fields_and_may_have_gone_on():
    found, station = reader(clock={"register": 30, "word_order": "little-word"})
    run(found.set_clock(0x68E77A10))
    assert (station.words[30], station.words[31]) == (0x7A10, 0x68E7)
    found, station = reader(clock={"register": 30, "form": "fields"})
    run(found.set_clock(951782399))          # 2000-02-28 23:59:59
    assert [station.words[30 + n] for n in range(6)] == [2000, 2, 28, 23, 59, 59]
