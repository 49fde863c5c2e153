"""A configuration from afar: whole or not at all, over power cuts, and nothing twice."""

from tests.edge.samples import document
from tests.portable import raises
from wum_edge.config import check
from wum_edge.configuration.configure import Configure
from wum_edge.configuration.kept import NAMES, Kept
from wum_edge.configuration.merging import merged
from wum_edge.orders.act import Refused
from wum_shared import cbor, orders
from wum_shared.configuration import Configuration, encode_configuration
from wum_shared.orders import Order
from wum_simulator.disk import NOTHING, WHOLE
from wum_simulator.flash import PowerCut, SimulatedFlash

OWN = document()
MODELS_NAMED = {"two-and-one": "modbus-rtu", "eastron-sdm120": "modbus-rtu"}


def parts(meters=2, **meter):
    """What the head-end sends: so many meters on one line."""
    return {
        "schedule": {"period_s": 900},
        "line": [{"name": "far", "port": "/dev/ttyS7"}],
        "meter": [dict({"serial": "N%d" % n, "delivery_point": "P%d" % n, "line": "far",
                        "address": n + 1, "model": "eastron-sdm120"}, **meter)
                  for n in range(meters)]}


class Place:
    """A concentrator that can be configured."""

    def __init__(self, flash=None, possible=""):
        self.flash = flash or SimulatedFlash()
        self.changed = []
        self.kept = Kept(self.flash)
        self.act = Configure(self.kept, OWN, MODELS_NAMED, lambda config: possible,
                             self.changed.append)

    def order(self, number, what):
        """The result of an order as the desk gives it. Raises Refused."""
        arguments = what if type(what) is bytes else encode_configuration(
            Configuration(number, what))
        order = Order(bytes(8), bytes(8), 1, 0, 0, 60, orders.CONFIGURE, arguments, None)
        results = []
        self.act.check(order)
        self.act.begin(order, results.append)
        assert len(results) == 1
        return results[0]


def refusal(place, number, what):
    """(reason, note) of the refusal."""
    try:
        place.order(number, what)
    except Refused as refused:
        return refused.reason, refused.note
    raise AssertionError("it was taken")


def test_a_configuration_is_laid_over_the_file_which_keeps_what_only_it_knows():
    place = Place()
    result = place.order(1, parts())
    assert result.state == orders.DONE
    assert cbor.decode(result.content) == [1, Configuration(1, parts()).digest]
    assert place.changed == [Configuration(1, parts())]
    config = check(merged(OWN, Kept(place.flash).current.parts), MODELS_NAMED)
    assert [meter.serial for meter in config.meters] == ["N0", "N1"]
    assert config.schedule.period_s == 900 and config.lines[0].port == "/dev/ttyS7"
    assert config.concentrator.keys == OWN["concentrator"]["keys"]
    assert config.broker.host == OWN["broker"]["host"]


def test_register_sets_come_with_the_meters_and_go_with_them():
    own = dict(OWN, register_set=[{"name": "own", "registers": "1.8.0", "period_s": 60}])
    with_sets = dict(parts(), register_set=[
        {"name": "volts", "registers": "32.7.0", "period_s": 3600}])
    with_sets["meter"] = [dict(one, register_sets="volts") for one in with_sets["meter"]]
    config = check(merged(own, with_sets), MODELS_NAMED)
    assert [one.name for one in config.register_sets[0]] == ["volts"]
    assert "register_set" not in merged(own, parts())
    assert merged(own, {"role": "station"})["register_set"] == own["register_set"]


def test_a_meter_keeps_its_keys_by_its_serial():
    own = dict(OWN, meter=[{"serial": "N1", "access": {"password": "secret"}}, "no table"])
    meters = merged(own, parts())["meter"]
    assert "access" not in meters[0] and meters[1]["access"] == {"password": "secret"}
    assert "access" not in parts()["meter"][1], "what was sent is not written into"


def test_a_bad_one_is_refused_whole_with_its_reason_and_the_old_one_goes_on():
    place = Place()
    place.order(1, parts())
    reason, note = refusal(place, 2, parts(model="nobody-knows"))
    assert reason == orders.ARGUMENTS
    assert note.startswith("2 mistakes. meter[0].model: wanted ") and len(note) <= 180
    reason, note = refusal(place, 2, dict(parts(), line=[{"name": "other", "port": "/dev/x"}]))
    assert "meter[0].line: wanted one of the lines: other" in note
    assert refusal(place, 2, b"\x80")[0] == orders.ARGUMENTS
    assert refusal(place, 2, dict(parts(), role="gateway"))[0] == orders.ARGUMENTS, "no mesh"
    place.order(3, parts(3))
    assert refusal(place, 2, parts())[1] == "configuration 2 is older than 3, which is in force"
    assert refusal(Place(possible="no pulse inputs here"), 1, parts()) == (
        orders.CANNOT, "no pulse inputs here")
    assert [one.number for one in place.changed] == [1, 3]
    assert Kept(place.flash).current == Configuration(3, parts(3))


def test_an_identical_one_writes_nothing_and_starts_nothing_anew():
    place = Place()
    place.order(1, parts())
    before = place.flash.operations
    result = place.order(2, parts())
    assert result.state == orders.DONE and "nothing was changed" in result.note
    assert cbor.decode(result.content)[0] == 2
    assert place.flash.operations == before and len(place.changed) == 1


def small(number):
    """One that takes no time."""
    return {"schedule": {"period_s": number}}


def test_whenever_the_power_goes_the_old_one_or_the_new_one_is_in_force():
    seen = set()
    for leaves in (NOTHING, WHOLE):
        for cut_at in range(1, 24):
            flash = SimulatedFlash(cut_at=cut_at)
            done = 0
            number = 0
            try:
                kept = Kept(flash)
                for number in range(1, 5):
                    kept.keep(Configuration(number, small(number)))
                    done = number
            except PowerCut:
                flash = flash.after_cut(leaves)
            flash.cut_at = 0
            current = Kept(flash).current
            number = current.number if current is not None else 0
            assert number in (done, done + 1), (cut_at, done, number)
            assert current is None or current == Configuration(number, small(number))
            seen.add((done, number - done))
            Kept(flash).keep(Configuration(9, small(9)))
            assert Kept(flash).current.number == 9, "it goes on after the cut"
    assert {done for done, _ in seen} == {0, 1, 2, 3, 4}


def test_a_damaged_file_is_as_if_it_were_not_there():
    flash = SimulatedFlash()
    for number in (1, 2):
        Kept(flash).keep(Configuration(number, parts(number)))
    whole = {name: flash.read(name, 0, 100000) for name in NAMES}
    newest = NAMES[0]                # The second one went beside the first.
    assert whole[newest] > whole[NAMES[1]]
    for place in range(0, len(whole[newest]), 7):
        broken = bytearray(whole[newest])
        broken[place] ^= 0x10
        flash.replace(newest, bytes(broken))
        assert Kept(flash).current.number == 1
    flash.replace(newest, b"")
    assert Kept(flash).current.number == 1


def test_one_that_cannot_be_worked_with_after_all_is_taken_back():
    flash = SimulatedFlash()
    kept = Kept(flash)
    assert not kept.go_back()
    kept.keep(Configuration(1, parts(1)))
    kept.keep(Configuration(2, parts(2)))
    assert kept.go_back() and kept.current.number == 1
    assert Kept(flash).current.number == 1
    kept.keep(Configuration(3, parts(3)))
    assert Kept(flash).current.number == 3
    assert kept.go_back() and kept.go_back() and kept.current is None
    assert Kept(flash).current is None


def test_flash_that_refuses_is_told_and_the_old_one_goes_on():
    place = Place()
    place.order(1, parts())

    for later in range(1, 5):
        place.flash.fail[place.flash.operations + later] = 28
    result = place.order(2, parts(3))
    assert (result.state, result.reason) == (orders.FAILED, orders.FLASH_REFUSES)
    assert len(place.changed) == 1 and place.kept.current.number == 1
    raises(Refused, lambda: place.order(1, b""))
