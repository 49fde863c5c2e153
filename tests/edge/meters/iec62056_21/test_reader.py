"""A meter by its catalogue entry: registers, clock, load profile, switch, and what it refuses."""

from tests.edge.bus import VirtualClock
from tests.edge.iec_meter import Scripted, checked
from tests.portable import raises
from wum_edge.config import Meter
from wum_edge.document import Table
from wum_edge.errors import BadCheck, CatalogError, ForeignAnswer, LineSilent, Refused
from wum_edge.meters.catalog import check_model
from wum_edge.meters.iec62056_21 import entry
from wum_edge.meters.iec62056_21.reader import IecReader
from wum_edge.meters.reader import CannotDo, MeterTime, ProfileRow, Take
from wum_edge.meters.turn import converse
from wum_shared.status import CLOCK_DOUBTFUL

IDENTIFICATION = b"/LGZ5ZMD\r\n"
P0 = checked("\x01P0\x02(00000000)\x03")
P1 = checked("\x01P1\x02(00112233)\x03")
B0 = b"\x01B0\x03q"
DAY_S = 1767225600                # 2026-01-01 00:00 UTC.


def document(**more):
    """An entry of a meter at a fixed 9600 baud; None leaves a key out."""
    found = {
        "model": "maker-type", "make": "Maker", "label": "Type", "protocol": "iec62056-21",
        "source": "the maker's manual", "licence": "facts",
        "sign_on": {"baud": 9600, "makers": "LGZ"},
        "clock": {"date": "0.9.2", "time": "0.9.1", "write": "W1"},
        "profile": {"columns": [{"obis": "1.5.0", "unit": "W", "scaler": 0},
                                {"obis": "2.5.0", "unit": "W", "scaler": 0}]},
        "switch": {"address": "96.3.10", "open": "0", "closed": "1", "state": "96.3.10",
                   "is_open": "0", "is_closed": "1"},
        "registers": [
            {"name": "energy_import", "obis": "1-0:1.8.0", "unit": "Wh", "scaler": 0},
            {"name": "demand", "obis": "1-0:1.6.0", "unit": "W", "scaler": 1, "address": "1.6.0"},
            {"name": "power_factor", "obis": "1-0:13.7.0", "unit": "", "scaler": -2},
        ],
    }
    found.update(more)
    return {key: value for key, value in found.items() if value is not None}


def reader(address="7", utc_offset_min=60, password="00112233", **more):
    access = Table({"password": password}, "access", [])
    found = entry.check_access(access)
    found = entry.Access(found.password, utc_offset_min, False)
    meter = Meter("m", "dp", "line", address, "maker-type", 500, found)
    return IecReader(check_model(document(**more)), meter, VirtualClock())


def read(line, places=(0, 1, 2), **keys):
    take = Take()
    converse(reader(**keys).read(places, take), line)
    return take


def readout_of(text):
    return Scripted((b"/?7!\r\n", 9600, IDENTIFICATION, 9600),
                    (b"\x06050\r\n", 9600, checked("\x02" + text + "!\r\n\x03"), 9600))


def programming(*script):
    """A meter in programming mode; script: what is asked, what it answers."""
    steps = [(asked, 9600, answer, 9600) for asked, answer in script]
    return Scripted((b"/?7!\r\n", 9600, IDENTIFICATION, 9600), (b"\x06051\r\n", 9600, P0, 9600),
                    (P1, 9600, b"\x06", 9600), *steps)


def test_numbers_become_scaled_integers_in_the_registers_unit():
    take = read(readout_of(
        "1-0:1.8.0*255(0008048.375*kWh)\r\n1.6.0(02.465*kW)(1703100930)\r\n13.7.0(0.98)\r\n"))
    assert take.values == {0: 8048375, 1: 246, 2: 98}       # 246.5 is rounded to even.
    assert take.turns == 1 and not take.errors and not take.refused


def test_what_is_no_number_is_none_and_what_is_not_there_is_refused():
    take = read(readout_of("1.8.0()\r\n13.7.0(----)\r\n"))
    assert take.values == {0: None, 2: None}
    assert "the readout has no 1.6.0" in str(take.refused[1])


def test_a_unit_that_is_not_the_registers_is_refused_as_what_it_is():
    take = read(readout_of("1.8.0(12.5*kvarh)\r\n1.6.0(12)\r\n13.7.0(1*A)\r\n"))
    assert take.values == {}
    assert "wanted Wh, the meter gives kvarh" in str(take.refused[0])
    assert "wanted W, the meter gives no unit" in str(take.refused[1])
    assert "wanted no unit, the meter gives A" in str(take.refused[2])


def test_a_number_that_comes_without_unit_has_the_one_that_the_catalogue_says():
    register = {"name": "e", "obis": "1-0:1.8.0", "unit": "Wh", "scaler": 0, "unit_unsaid": "kWh"}
    take = read(readout_of("1.8.0(12.5)\r\n"), (0,), registers=[register])
    assert take.values == {0: 12500}


def test_an_address_given_twice_with_different_values_is_refused():
    take = read(readout_of("1.8.0(1*kWh)\r\n1-0:1.8.0*255(2*kWh)\r\n"), (0,))
    assert "twice" in str(take.refused[0])


def test_an_answer_of_another_meter_is_known_by_its_number():
    take = read(readout_of("0.0.0(0008)\r\n1.8.0(1*kWh)\r\n"), (0,), identity="0.0.0")
    assert type(take.errors[0]) is ForeignAnswer and not take.values
    take = read(readout_of("0.0.0(0007)\r\n1.8.0(1*kWh)\r\n"), (0,), identity="0.0.0")
    assert take.values == {0: 1000}


def test_a_failure_ends_a_read_without_an_exception():
    assert type(read(Scripted()).errors[0]) is LineSilent
    foreign = Scripted((b"/?7!\r\n", 9600, b"/EMH5X\r\n", 9600))
    assert type(read(foreign).errors[0]) is ForeignAnswer


def test_registers_are_read_one_by_one_in_programming_mode():
    line = programming(
        (checked("\x01R5\x021-0:1.8.0()\x03"), checked("\x02(000123.4*kWh)\x03")),
        (checked("\x01R5\x021.6.0()\x03"), checked("\x02(ER01)\x03")),
        (checked("\x01R5\x021-0:13.7.0()\x03"), checked("\x0213.7.0(0.5)\x03")))
    take = read(line, reads="registers")
    assert take.values == {0: 123400, 2: 50}
    assert "error message ER01" in str(take.refused[1]) and take.refused[1].code == 1
    assert line.said[-1] == B0


def test_values_of_one_address_are_asked_for_once_and_sums_are_checks_where_the_model_says():
    def added(text):
        data = text.encode()
        return data + bytes((sum(data[1:]) & 0x7F,))
    registers = [{"name": "a%d" % place, "obis": "1-0:1.8.%d" % place, "unit": "Wh", "scaler": 0,
                  "address": "ET0PE", "value": place, "unit_unsaid": "kWh"} for place in (0, 1)]
    registers.append({"name": "v", "obis": "1-0:32.7.0", "unit": "V", "scaler": -1, "value": 1,
                      "address": "VOLTA", "unit_unsaid": "V"})
    keys = {"reads": "registers", "read_command": "R1", "registers": registers, "check": "sum"}
    opened = [(b"/?7!\r\n", 9600, IDENTIFICATION, 9600),
              (b"\x06051\r\n", 9600, added("\x01P0\x02(777777)\x03"), 9600),
              (added("\x01P1\x02(00112233)\x03"), 9600, b"\x06", 9600)]
    line = Scripted(*opened, *[(added(asked), 9600, added(answer), 9600) for asked, answer in (
        ("\x01R1\x02ET0PE()\x03", "\x02ET0PE(20.5)\r\nET0PE(12.25)\r\nET0PE(8.25)\r\n\x03"),
        ("\x01R1\x02VOLTA()\x03", "\x02VOLTA(230.1)\r\n(231.2)\r\n(229.9)\r\n\x03"))])
    take = read(line, clock=None, profile=None, switch=None, **keys)
    assert take.values == {0: 20500, 1: 12250, 2: 2312} and not take.errors
    assert line.said[-1] == added("\x01B0\x03") and len(line.said) == 6
    assert entry.cost(check_model(document(**keys)))[1] == entry.cost(
        check_model(document(reads="registers", registers=registers[1:])))[1]
    foreign = Scripted(*opened, (added("\x01R1\x02ET0PE()\x03"), 9600,
                                 added("\x02ET0PE(1.0)\r\nVOLTA(2.0)\r\n\x03"), 9600))
    take = read(foreign, (0,), clock=None, profile=None, switch=None, **keys)
    assert "got 2: VOLTA" in str(take.errors[0])


def test_the_clock_is_asked_for_in_the_same_programming_mode_as_the_registers():
    line = programming(
        (checked("\x01R5\x021-0:1.8.0()\x03"), checked("\x02(000123.4*kWh)\x03")),
        (checked("\x01R5\x020.9.2()\x03"), checked("\x02(0170318)\x03")),
        (checked("\x01R5\x020.9.1()\x03"), checked("\x02(0201455)\x03")))
    take = read(line, (0,), reads="registers")
    assert not take.errors and take.values == {0: 123400} and line.said[-1] == B0
    assert take.meter_time == MeterTime(1489864495, "", 0)


def test_a_meter_that_refuses_its_clock_gives_its_registers_and_is_not_asked_again():
    ask = (checked("\x01R5\x021-0:1.8.0()\x03"), checked("\x02(000123.4*kWh)\x03"))
    own = reader(reads="registers")
    take = Take()
    converse(own.read((0,), take), programming(
        ask, (checked("\x01R5\x020.9.2()\x03"), checked("\x02(ER01)\x03"))))
    assert take.values == {0: 123400} and take.meter_time is None
    line = programming(ask)
    take = Take()
    converse(own.read((0,), take), line)
    assert take.values == {0: 123400} and not take.errors
    raises(CannotDo, lambda: next(own.read_clock()))


def test_a_damaged_answer_is_asked_for_again_and_partial_blocks_are_joined():
    ask = checked("\x01R5\x021-0:1.8.0()\x03")
    good = checked("\x02(000123.4*kWh)\x03")
    line = programming((ask, good[:-1] + b"\x00"), (b"\x15", good))
    assert read(line, (0,), reads="registers").values == {0: 123400}
    line = programming((ask, good[:-1] + b"\x00"), (b"\x15", b"\x02"), (b"\x15", good[:5]))
    take = read(line, (0,), reads="registers")
    assert type(take.errors[0]) is BadCheck and line.said[-1] == B0


def test_a_password_that_is_not_taken_is_a_refusal_and_never_in_a_text():
    line = Scripted((b"/?7!\r\n", 9600, IDENTIFICATION, 9600), (b"\x06051\r\n", 9600, P0, 9600),
                    (P1, 9600, checked("\x02(ER05)\x03"), 9600))
    take = read(line, reads="registers")
    assert type(take.errors[0]) is Refused and "ER05" in str(take.errors[0])
    assert "00112233" not in str(take.errors[0])
    assert line.said[-1] == B0


def test_the_clock_is_read_with_the_readout_and_alone():
    lines = "0.9.1(0201455)\r\n0.9.2(0170318)\r\n1.8.0(1*kWh)\r\n"
    wanted = MeterTime(1489864495, "", 0)                        # 2017-03-18 19:14:55 UTC.
    assert read(readout_of(lines), (0,)).meter_time == wanted
    assert converse(reader().read_clock(), readout_of(lines)) == wanted
    unsaid = readout_of("0.9.1(20:14:55)\r\n0.9.2(17-03-18)\r\n")
    assert converse(reader().read_clock(), unsaid) == (
        1489864495, "it does not say its season: taken for normal time", CLOCK_DOUBTFUL)
    nowhere = converse(reader(utc_offset_min=None).read_clock(), readout_of(lines))
    assert nowhere.utc_s is None and nowhere.doubt
    assert "no date and time" in raises(
        BadCheck, lambda: converse(reader().read_clock(), readout_of("1.8.0(1*kWh)\r\n")))


def test_a_readout_that_does_not_say_the_time_is_not_asked_for_it_again():
    own = reader()
    take = Take()
    converse(own.read((0,), take), readout_of("1.8.0(1*kWh)\r\n"))
    assert take.meter_time is None
    raises(CannotDo, lambda: next(own.read_clock()))


def clock_shown(date, time):
    return [(checked("\x01R5\x020.9.2()\x03"), checked("\x02(%s)\x03" % date)),
            (checked("\x01R5\x020.9.1()\x03"), checked("\x02(%s)\x03" % time))]


def test_the_clock_is_set_as_date_and_time():
    shown = clock_shown("0260101", "0005900")
    line = programming(*shown, (checked("\x01W1\x020.9.2(260101)\x03"), b"\x06"),
                       (checked("\x01W1\x020.9.1(010000)\x03"), b"\x06"))
    converse(reader().set_clock(DAY_S), line)
    assert line.said[-1] == B0 and not line.script
    line = programming(
        (checked("\x01R5\x020.9.1()\x03"), checked("\x02(0260101005900)\x03")),
        (checked("\x01W1\x020.9.1(0260101010000)\x03"), b"\x06"))
    converse(reader(clock={"time": "0.9.1", "write": "W1", "digits": 13}).set_clock(DAY_S), line)
    line = programming(*shown, (checked("\x01W1\x020.9.2(260101)\x03"), b"\x15"))
    assert "NAK" in raises(Refused, lambda: converse(reader().set_clock(DAY_S), line))


def test_a_clock_that_shows_summer_time_is_set_to_summer_time():
    own = reader()
    july_s = DAY_S + 190 * 86400          # 2026-07-10 00:00 UTC: 02:00 in Central Europe.
    line = programming(*clock_shown("1260710", "1015900"),
                       (checked("\x01W1\x020.9.2(260710)\x03"), b"\x06"),
                       (checked("\x01W1\x020.9.1(020000)\x03"), b"\x06"))
    converse(own.set_clock(july_s), line)
    assert not line.script, "written as it shows it: an hour less would be normal time"
    seasons = reader(clock={"date": "0.9.2", "time": "0.9.1", "write": "W1", "digits": 13})
    line = programming(*clock_shown("1260710", "1015900"),
                       (checked("\x01W1\x020.9.2(1260710)\x03"), b"\x06"),
                       (checked("\x01W1\x020.9.1(1020000)\x03"), b"\x06"))
    converse(seasons.set_clock(july_s), line)
    assert not line.script
    unread = programming((checked("\x01R5\x020.9.2()\x03"), checked("\x02(ER01)\x03")),
                         (checked("\x01W1\x020.9.2(260101)\x03"), b"\x06"),
                         (checked("\x01W1\x020.9.1(010000)\x03"), b"\x06"))
    converse(reader().set_clock(DAY_S), unread)
    assert not unread.script, "one that shows it in its readout alone has normal time"


def test_a_load_profile_has_its_gaps_and_statuses():
    head = "(15)(2)(1.5)(kW)(2.5)(kW)\r\n"
    answer = ("P.01(0260101011500)(00)" + head + "(0.125)(0.000)\r\n(0.250)(0.001)\r\n"
              "P.01(0260101021500)(40)" + head + "(-----)(0.000)\r\n")
    ask = checked("\x01R5\x02P.01(02601010100;02601020200)\x03")
    line = programming((ask, checked("\x02" + answer + "\x03")))
    rows = [ProfileRow(DAY_S + 900, (125, 0), 0), ProfileRow(DAY_S + 1800, (250, 1), 0),
            ProfileRow(DAY_S + 4500, (None, 0), 0x40)]
    assert converse(reader().read_profile(DAY_S, DAY_S + 86400), line) == rows
    cut = answer.find("P.01", 5)
    parts = answer[:cut], answer[cut:]
    line = programming((ask, checked("\x02" + parts[0] + "\x04")),
                       (b"\x06", checked("\x02" + parts[1] + "\x03")))
    assert converse(reader().read_profile(DAY_S, DAY_S + 86400), line) == rows
    line = programming((ask, checked("\x02P.01()\x03")))
    assert converse(reader().read_profile(DAY_S, DAY_S + 86400), line) == []
    line = programming((ask, checked("\x02P.01(0260101011500)(00)(15)(2)(1.5)(kW)\x03")))
    raises(BadCheck, lambda: converse(reader().read_profile(DAY_S, DAY_S + 86400), line))


def test_rows_behind_a_period_that_was_cut_short_end_with_whole_ones():
    # The header of a LEM EM4TII+ as its manual prints it, with seconds and texts among the columns.
    answer = ("P.01(260101001841)(00000040)(5)(3)(C.1.9)()(1.5.0)(kW)(2.5.0)(kW)\r\n"
              "(4711)(0.125)(0.000)\r\n(4711)(0.250)(0.001)\r\n(4711)(0.500)(0.002)\r\n")
    ask = checked("\x01R5\x02P.01(02601010100;02601020200)\x03")
    line = programming((ask, checked("\x02" + answer + "\x03")))
    late_s = DAY_S - 3600 + 18 * 60 + 41
    rows = converse(reader().read_profile(DAY_S, DAY_S + 86400), line)
    assert rows == []                # All before the time that was asked for: 00:18 is 23:18 UTC.
    line = programming((checked("\x01R5\x02P.01(02601010000;02601010200)\x03"),
                        checked("\x02" + answer + "\x03")))
    rows = converse(reader().read_profile(DAY_S - 3600, DAY_S), line)
    assert [(row.captured_at_s, row.values, row.status) for row in rows] == [
        (late_s, (125, 0), 0x40), (late_s + 79, (250, 1), 0x40), (late_s + 379, (500, 2), 0x40)]


def test_an_event_log_is_read_from_where_it_was_left():
    answer = ("P.98(0260101031500)(0020)()(2)(0.9.1)()(0.9.2)()(031459)(260101)\r\n"
              "P.98(0260101020000)(80)()(0)\r\nP.98(0260101010000)(01)()(0)\r\n")
    ask = checked("\x01R5\x02P.98(02601010100;)\x03")
    own = reader(events={})
    found = converse(own.read_events(DAY_S), programming((ask, checked("\x02" + answer + "\x03"))))
    assert found == [(DAY_S + 3600, 0x80, "power failed"),
                     (DAY_S + 8100, 0x20, "clock set 031459 260101")]
    assert converse(own.read_events(DAY_S), programming(
        (ask, checked("\x02P.98()\x03")))) == []
    for wrong in ("P.98(1)(00)", "P.98(0260101010000)", "P.97(0260101010000)(00)"):
        line = programming((ask, checked("\x02" + wrong + "\x03")))
        raises(BadCheck, lambda line=line: converse(own.read_events(DAY_S), line))
    raises(CannotDo, lambda: next(reader().read_events(0)))


def test_a_switch_is_confirmed_by_reading_its_state():
    def line(state):
        once = programming((checked("\x01W1\x0296.3.10(0)\x03"), b"\x06"), (B0, b""))
        again = programming((checked("\x01R5\x0296.3.10()\x03"), checked("\x02(%s)\x03" % state)))
        once.script += again.script
        return once

    converse(reader().switch(False), line("0"))
    assert "wanted state 0" in raises(Refused, lambda: converse(reader().switch(False), line("1")))


def test_what_a_model_has_not_is_said_at_the_first_step():
    plain = {"clock": {"time": "0.9.1"}}
    assert "set" in raises(CannotDo, lambda: next(reader(**plain).set_clock(DAY_S)))
    assert "utc_offset_min" in raises(
        CannotDo, lambda: next(reader(utc_offset_min=None).read_profile(0, 1)))


def test_an_entry_is_checked_with_the_path_of_what_is_wrong():
    def wrong(**more):
        return raises(CatalogError, lambda: check_model(document(**more)))

    assert "sign_on.baud" in wrong(sign_on={"baud": 110})
    assert "sign_on.makers" in wrong(sign_on={"makers": "lgz"})
    assert "sign_on.speed" in wrong(sign_on={"speed": 1})
    assert "reads" in wrong(reads="all")
    assert "profile.columns" in wrong(profile={})
    assert "switch.address" in wrong(switch={})
    register = {"name": "e", "obis": "1-0:1.8.0", "unit": "Wh", "scaler": 0}
    assert "unit_unsaid" in wrong(registers=[dict(register, unit_unsaid="kvarh")])
    assert "function" in wrong(registers=[dict(register, function=3)])


def test_a_plan_knows_what_a_slow_sign_on_costs():
    def took_us(baud, logs=False, **more):
        written = document(**more)
        if not logs:
            del written["profile"]
        model = check_model(written)
        size, turns = entry.cost(model)
        pace = entry.pace(model, baud, 10)
        return size * 10 * 1000000 // baud + turns * pace.delay_us

    same = took_us(9600)
    slow = took_us(9600, sign_on={"baud": 300})
    stays = took_us(9600, sign_on={"baud": 300, "fixed": True})
    assert 700000 < same < 750000                      # 111 bytes and three reaction times.
    assert same + 1200000 < slow < same + 1400000      # 40 bytes at 300 baud.
    assert 4200000 < stays < 4500000                   # All of them.
    assert took_us(9600, reads="registers") > 2 * same
    # Another sign-on, with seven reaction times, for what the load profile has new.
    assert took_us(9600, logs=True) > same + 7 * 200000
    assert took_us(9600, logs=True, sign_on={"baud": 300}) > slow + 7 * 200000 + 1200000


def test_an_address_is_of_digits_and_letters_and_a_password_of_no_marks():
    for given, kept in ((7, "7"), ("00012345", "00012345"), ("AB 7", "AB 7"), ("", "")):
        mistakes = []
        assert entry.check_address(Table({"address": given}, "m", mistakes)) == kept
        assert mistakes == []
    for given in ("a!", "7/", "x" * 33, -1, True):
        mistakes = []
        entry.check_address(Table({"address": given}, "m", mistakes))
        assert mistakes
    mistakes = []
    entry.check_access(Table({"password": "a(b)"}, "m.access", mistakes))
    assert mistakes and "a(b)" not in str(mistakes)
