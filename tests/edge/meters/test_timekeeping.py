"""The meter's own time is one more register of every row: its value, its quality, its price."""

from tests.edge.bus import Bus, VirtualClock
from tests.edge.samples import catalog_entry, document, entry
from wum_edge.config import check
from wum_edge.errors import LineGone, LineSilent
from wum_edge.meters.catalog import check_model
from wum_edge.meters.reader import CannotDo, MeterTime, Reader
from wum_edge.meters.sweep import Sweep, meters_of_line
from wum_edge.meters.timekeeping import CLOCK, keeps_time, registers_of
from wum_edge.meters.turn import Hearing, Turn
from wum_edge.schema import schema
from wum_shared import status
from wum_shared.batch import Row
from wum_shared.obis import obis_to_text
from wum_shared.units import UNITS

NAME = "dlms-three-phase"


class Nothing(Hearing):
    def __call__(self, heard):
        return False


class Timed(Reader):
    """A meter whose clock comes with its registers, or by a turn of its own."""

    def __init__(self, clock):
        self.clock = clock
        self.ahead_s = 0
        self.doubt = ("", 0)
        self.rides = True
        self.fails = None            # What reading the clock alone raises.
        self.lacks = set()           # Places that the next read does not bring.
        self.asked = []

    def time(self):
        if self.ahead_s is None:
            return MeterTime(None, "unspecified deviation", status.CLOCK_LOCAL)
        return MeterTime(self.clock.now_s() + self.ahead_s, self.doubt[0], self.doubt[1])

    def read(self, places, take):
        self.asked.append("read")
        yield Turn(b"?", Nothing(), 3000)
        take.turns += 1
        for place in places:
            if place not in self.lacks:
                take.values[place] = place
        self.lacks = set()
        if self.rides and take.meter_time is None:
            take.meter_time = self.time()

    def read_clock(self):
        if isinstance(self.fails, CannotDo):
            raise self.fails
        self.asked.append("clock")
        yield Turn(b"?", Nothing(), 100)
        if self.fails is not None:
            raise self.fails
        return self.time()


class Street:
    """One such meter and its sweeps."""

    def __init__(self, name=NAME):
        models = {name: check_model(catalog_entry(name) if name == NAME else entry())}
        written = document(1)
        written["meter"][0]["model"] = name
        config = check(written, {name: models[name].protocol})
        self.clock = VirtualClock()
        self.bus = Bus(self.clock, [])
        self.known = meters_of_line(config, models, "a")
        self.reader = self.known[0].reader = Timed(self.clock)
        self.known[0].upkeep = None
        self.width = len(schema(config, models, "t", bytes(8), 0).register_sets[0].registers)
        self.registers = len(models[name].registers)
        self.line = Sweep("a", self.known)

    def rows(self):
        return [record for record in self.line.run(self.bus, self.clock, 1000000)
                if type(record) is Row]


def test_a_row_ends_with_how_far_the_meters_clock_is_ahead_in_seconds():
    street = Street()
    street.reader.ahead_s = -37
    row, = street.rows()
    assert street.width == street.registers + 1 == len(row.values) == len(row.statuses)
    assert row.values[-1] == -37 and row.statuses[-1] == 0
    assert (obis_to_text(CLOCK.obis), CLOCK.scaler, UNITS[CLOCK.unit]) == ("0-0:1.0.0", 0, "s")


def test_how_long_the_reading_took_is_no_error_of_the_clock():
    street = Street()                # Each turn takes three seconds of silence.
    began_s = street.clock.now_s()
    row, = street.rows()
    assert row.captured_at_s == began_s and street.clock.now_s() >= began_s + 3
    assert row.values[-1] == 0


def test_a_clock_that_comes_with_the_registers_costs_no_turn_of_its_own():
    street = Street()
    street.rows()
    assert street.reader.asked == ["read"]


def test_a_clock_that_does_not_come_with_them_is_asked_for_once_a_sweep():
    street = Street()
    street.reader.rides = False
    street.reader.lacks = {1}        # The meter is visited twice.
    first, second = street.rows()
    assert street.reader.asked == ["read", "clock", "read"]
    assert first.values[-1] == 0 and second.values[-1] is None
    assert second.statuses[-1] == status.ABSENT and second.values[1] == 1


def test_a_clock_read_with_the_second_attempt_is_late_as_a_register_is():
    street = Street()
    street.reader.rides, street.reader.fails = False, LineSilent("silent")
    street.reader.lacks = {1}
    rows = []
    for record in street.line.run(street.bus, street.clock, 1000000):
        if type(record) is Row:
            rows.append(record)
            street.reader.fails = None
    assert rows[0].values[-1] is None and rows[0].statuses[-1] == status.ABSENT
    assert rows[1].values[-1] == 0 and rows[1].statuses[-1] == status.LATE


def test_what_the_meter_says_of_its_clock_is_its_status():
    street = Street()
    street.reader.doubt = ("doubtful value", status.CLOCK_DOUBTFUL)
    street.reader.ahead_s = 5
    row, = street.rows()
    assert row.values[-1] == 5 and row.statuses[-1] == status.CLOCK_DOUBTFUL
    street.reader.ahead_s = None
    row, = street.rows()
    assert row.values[-1] is None
    assert row.statuses[-1] == status.ABSENT | status.CLOCK_LOCAL


def test_the_row_is_kept_when_the_line_or_the_meter_goes_before_the_clock():
    for error in (LineGone("unplugged"), LineSilent("silent")):
        street = Street()
        street.reader.rides, street.reader.fails = False, error
        row, = street.rows()
        assert row.values[:-1] == tuple(range(street.registers)) and row.values[-1] is None


def test_a_meter_without_a_clock_has_no_column_and_is_asked_once():
    street = Street("two-and-one")
    street.reader.rides, street.reader.fails = False, CannotDo("no clock")
    assert street.width == street.registers == len(street.rows()[0].values)
    assert not keeps_time(check_model(entry()))


def test_a_clock_without_a_zone_is_not_asked_for_again_where_no_row_holds_it():
    street = Street("two-and-one")
    street.reader.rides, street.reader.ahead_s = False, None
    street.rows()
    street.rows()
    assert street.reader.asked == ["read", "clock", "read"]


def test_a_model_that_lists_the_clock_itself_keeps_it_once():
    own = catalog_entry(NAME)
    own["registers"] = [{"name": "clock", "obis": "0-0:1.0.0", "unit": "s", "scaler": 0}]
    model = check_model(own)
    assert not keeps_time(model) and len(registers_of(model)) == 1


def test_which_models_of_the_catalogue_keep_time():
    for name, keeps in (("landis-gyr-e450", True), ("dsmr5-p1", True), ("dsmr2-p1", False),
                        ("easymeter-q3d", False), ("emh-ehz-sml", False), ("elster-as3000", True),
                        ("eastron-sdm630", False), ("pulse-3200-per-kwh", False),
                        ("kamstrup-multical-601", False)):
        assert keeps_time(check_model(catalog_entry(name))) == keeps, name
