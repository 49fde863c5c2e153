"""Load profiles, event logs, clocks and switches as makers print them and as they were recorded.

The texts are those of MASS v11 of Turkey (Ek-C to Ek-E, 4.7 to 4.10), of Energomera's commands of
CE208 and CE308, and of recordings of EMH LZQJ-XC and MetCom MCS301 (Runamook/iec_62056-21).
"""

from tests.edge.bus import VirtualClock
from tests.edge.iec_meter import Scripted, checked
from tests.portable import raises
from wum_edge.config import Meter
from wum_edge.errors import BadCheck, CatalogError, Refused
from wum_edge.meters.catalog import check_model
from wum_edge.meters.iec62056_21 import entry
from wum_edge.meters.iec62056_21.programming import Password
from wum_edge.meters.iec62056_21.reader import IecReader
from wum_edge.meters.reader import CannotDo, Take
from wum_edge.meters.turn import converse

NOW_S = 1662595200               # 2022-09-08 00:00 UTC.
REGISTER = {"name": "energy_import", "obis": "1-0:1.8.0", "unit": "Wh", "scaler": 0}
SIX = [{"obis": "1-0:%d.5.0" % c, "unit": "W" if c < 3 else "var", "scaler": 0}
       for c in (1, 2, 5, 6, 7, 8)]
MASS = {
    "reads": "registers", "read_command": "R2", "password": "writes",
    "sign_on": {"baud": 9600, "ends_answered": True},
    "clock": {"form": "dashed", "date": "0.9.2", "time": "0.9.1", "weekday": "0.9.5",
              "write": "W2"},
    "profile": {"form": "dated", "command": "R2", "columns": [
        {"obis": "1-0:1.8.0", "unit": "Wh", "scaler": 0, "unit_unsaid": "kWh"},
        {"obis": "1-0:5.8.0", "unit": "varh", "scaler": 0, "value": 1, "unit_unsaid": "kvarh"}]},
    "events": {"form": "spans", "lists": [
        {"address": "96.77.0", "entries": 3, "note": "power failed"},
        {"address": "96.70", "note": "cover opened"}]},
    "switch": {"command": "W2", "address": "96.3.10", "open": "1", "closed": "0",
               "state": "96.3.10", "is_open": "1", "is_closed": "0"},
}
CE308 = {
    "reads": "registers", "read_command": "R1", "password": "writes",
    "clock": {"form": "dotted", "date": "DATE_", "time": "TIME_", "write": "W1",
              "correct": "CTIME", "most_s": 29, "rest_hours": 24},
    "profile": {"form": "days", "command": "R1", "period_min": 30, "nothing": "ERR18",
                "parts": True, "setup_at": "PROFI", "setup": "1E:71,72,73,74,0,0", "columns": [
                    {"obis": "1-0:1.29.0", "unit": "Wh", "scaler": 0, "address": "VPI01",
                     "unit_unsaid": "kWh"}]},
    "events": {"form": "numbered", "lists": [
        {"address": "LOE30", "entries": 12, "note": "magnet",
         "codes": [{"code": 0, "note": "gone"}, {"code": 1, "note": "present"}]}]},
}


def reader(offset_min=60, now_s=NOW_S, **more):
    document = {"model": "maker-type", "make": "Maker", "label": "Type", "source": "the manual",
                "protocol": "iec62056-21", "licence": "facts", "registers": [REGISTER],
                "sign_on": {"baud": 9600}}
    document.update(more)
    access = entry.Access(Password(1, "12345678"), offset_min, True)
    meter = Meter("m", "dp", "line", "7", "maker-type", 500, access)
    return IecReader(check_model(document), meter, VirtualClock(now_s))


def session(*script, operand=b"\x06", end=b"\x06", password=False):
    """A meter in programming mode; script: what is asked, what it answers."""
    steps = [(b"/?7!\r\n", 9600, b"/MKS5<2>ADM(M550.2251)\r\n", 9600),
             (b"\x06051\r\n", 9600, operand, 9600)]
    if password:
        steps.append((checked("\x01P1\x02(12345678)\x03"), 9600, b"\x06", 9600))
    steps += [(checked("\x01" + asked + "\x03"), 9600,
               answer if isinstance(answer, bytes) else checked("\x02" + answer + "\x03"), 9600)
              for asked, answer in script]
    return steps + [(b"\x01B0\x03q", 9600, end, 9600)]


def test_a_recorded_profile_of_an_emh_meter_in_summer():
    answer = ("P.01(1220823161500)(00000000)(15)(6)(1.5)(kW)(2.5)(kW)(5.5)(kvar)(6.5)(kvar)(7.5)"
              "(kvar)(8.5)(kvar)\r\n(0.18374)(0.00078)(0.00000)(0.00006)(0.00087)(0.02431)\r\n"
              "(0.16832)(0.00000)(0.00000)(0.00000)(0.00000)(0.02686)\r\n")
    own = reader(password="writes", profile={"columns": SIX, "nothing": "ERROR"})
    first_s = 1661263200             # 2022-08-23 14:00 UTC: 16:00 in summer time.
    asked = "R5\x02P.01(02208231500;02208231700)"      # Normal time, an hour more for safety.
    rows = converse(own.read_profile(first_s, first_s + 3600), Scripted(*session((asked, answer))))
    assert [row.captured_at_s for row in rows] == [first_s + 900, first_s + 1800]
    assert rows[0].values == (184, 1, 0, 0, 1, 24)
    nothing = Scripted(*session((asked, "P.01(ERROR)")))
    assert converse(own.read_profile(first_s, first_s + 3600), nothing) == []
    other = Scripted(*session((asked, "P.01(ER04)")))
    assert "ER04" in raises(
        Refused, lambda: converse(own.read_profile(first_s, first_s + 3600), other))


def test_a_profile_that_is_set_up_otherwise_is_refused_and_never_a_row_of_gaps():
    answer = ("P.01(1221005001500)(00000000)(15)(2)(1-1:1.29)(kWh)(1-1:2.29)(kWh)\r\n"
              "(0.00000)(0.04088)\r\n")
    first_s = 1664920800             # 2022-10-04 22:00 UTC.
    asked = "R5\x02P.01(02210042300;02210050100)"
    for columns, text, wanted in (
            (SIX, answer, "1-1:1.29 1-1:2.29, and none of what its entry names"),
            (SIX, answer.replace("1-1:1.29)(kWh", "1.5)(kWh"), "wanted W, the meter gives kWh"),
            (SIX, answer.replace("(15)(2)", "(7)(2)"), "period '7' min")):
        own = reader(now_s=first_s, password="writes", profile={"columns": columns})
        line = Scripted(*session((asked, text)))
        error = BadCheck if "period" in wanted else Refused
        assert wanted in raises(
            error, lambda own=own, line=line: converse(
                own.read_profile(first_s, first_s + 3600), line)), text


def test_a_recorded_log_of_an_mcs301_says_the_number_of_each_event_once():
    codes = [{"code": 4, "note": "clock adjusted, old time"}]
    log = "".join("P.98(%s)(00)()(2)(0-0:C.11.0)()(0-0:C.11.10)()(%s)\r\n" % one for one in (
        ("1220906234904", "4)(0"), ("1220906234849", "5)(0"), ("1220919161837", "17)(1")))
    own = reader(now_s=1663632000, password="writes", events={"code": "C.11.0", "codes": codes})
    asked = "R5\x02P.98(02209062240;)"
    line = Scripted(*session((asked, log)))
    found = converse(own.read_events(1662500400), line)
    assert found == [(1662500929, 5, "event 5"),
                     (1662500944, 4, "clock adjusted, old time"),
                     (1663597117, 17, "event 17 1")]
    assert not line.script, "its break is answered, and heard out"


def test_a_recorded_log_of_an_emh_meter():
    log = ("P.98(1220826235646)(00008020)()(2)(0.9.1)()(0.9.2)()(1235703)(1220826)\r\n"
           "P.98(1220906115553)(00000080)()(0)\r\nP.98(1220906120814)(00000040)()(0)\r\n")
    own = reader(events={})
    line = Scripted(*session(("R5\x02P.98(02208261200;)", log), password=True))
    assert converse(own.read_events(1661511600), line) == [
        (1661551006, 0x8020, "clock set, maker's own 8000 1235703 1220826"),
        (1662458153, 0x80, "power failed"), (1662458894, 0x40, "power came")]


def test_the_first_look_at_a_log_goes_back_as_far_as_rows_are_kept():
    own = reader(events={}, password="writes")
    line = Scripted(*session(("R5\x02P.98(02207250100;)", "P.98()")))
    assert converse(own.read_events(0), line) == [] and not line.script
    unset = reader(events={}, password="writes", now_s=12)
    line = Scripted(*session(("R5\x02P.98(;)", "P.98()")))
    assert converse(unset.read_events(0), line) == [] and not line.script


def test_rows_of_mass_begin_with_their_own_time():
    rows = ("(22-09-08,02:45)(123456.789,000012.345,123.4,230.1)\r\n"
            "(22-09-08,02:52)(123456.800,000012.345,123.4,230.1)\r\n")      # A power cut.
    asked = "R2\x02P.01(22-09-08,02:31;22-09-08,03:00)"
    for text in (rows, rows.replace("(22", "P.01(22"), "LPCH:1.8.0*kWh\r\n" + rows):
        line = Scripted(*session((asked, text)))
        found = converse(reader(180, **MASS).read_profile(NOW_S - 1740, NOW_S), line)
        assert [tuple(row) for row in found] == [
            (NOW_S - 900, (123456789, 12345), None), (NOW_S - 480, (123456800, 12345), None)]
        assert not line.script
    for text, error in (("(22-09-08,02:45)(123456.789)\r\n", "wanted value 2 of a row"),
                        ("(22-13-08,02:45)(1,2)\r\n", "(yy-mm-dd,hh:mm)"),
                        ("(22-09-08,02:45)(1*kVAh,2)\r\n", "the meter gives kVAh"),
                        ("2.1.0 nonsense\r\n", "(yy-mm-dd,hh:mm)")):
        line = Scripted(*session((asked, text), ("", b"")))
        kind = BadCheck if "yy-mm" in error else Refused
        assert error in raises(kind, lambda line=line: converse(
            reader(180, **MASS).read_profile(NOW_S - 1740, NOW_S), line))
    empty = Scripted(*session((asked, "P.01()")))
    assert converse(reader(180, **MASS).read_profile(NOW_S - 1740, NOW_S), empty) == []


def test_lists_of_mass_are_read_from_the_latest_entry_to_the_first_that_is_known():
    script = [("R2\x0296.77.0*1()", "96.77.0*1(22-09-07,13:30;22-09-07,13:35)"),
              ("R2\x0296.77.0*2()", "96.77.0*2(22-08-30,10:30, 22-08-30,10:32)"),
              ("R2\x0296.70()", "96.70(00-00-00,00:00)")]
    own = reader(180, **MASS)
    line = Scripted(*session(*script))
    since_s = 1662000000             # 2022-09-01.
    found = converse(own.read_events(since_s), line)
    assert found == [(1662546900, 0, "power failed, from 09-07 13:30 by its clock")]
    assert not line.script
    lasts = [("R2\x0296.77.0*1()", "(22-09-07,23:30;00-00-00,00:00)"),
             ("R2\x0296.77.0*2()", "(22-09-07,13:30;22-09-07,13:35)"),
             ("R2\x0296.70()", "(ER01)")]
    line = Scripted(*session(*lasts))
    found = converse(own.read_events(1662546900), line)
    assert found == [(1662582600, 0, "power failed, and lasts")] and not line.script
    # A list that the meter has not is asked for once.
    line = Scripted(*session(lasts[0], lasts[1]))
    assert converse(own.read_events(1662582600), line) == []


def test_mass_is_disconnected_and_its_clock_set_with_a_password_that_reading_does_not_say():
    own = reader(180, **MASS)
    line = Scripted(*session(("W2\x0296.3.10(1)", b"\x06"), password=True),
                    *session(("R2\x0296.3.10()", "96.3.10(1)")))
    converse(own.switch(False), line)
    assert not line.script
    line = Scripted(*session(("R2\x0296.3.10()", "96.3.10(0)")))
    assert converse(own.read_switch(), line) == (True, "0")
    line = Scripted(*session(("R2\x0296.3.10()", "96.3.10(7)")))
    assert "wanted state 1 or 0" in raises(Refused, lambda: converse(own.read_switch(), line))
    line = Scripted(*session(
        ("R2\x020.9.2()", "0.9.2(22-09-08)"), ("R2\x020.9.1()", "0.9.1(02:59:00)"),
        ("W2\x020.9.2(22-09-08)", b"\x06"), ("W2\x020.9.1(03:00:00)", b"\x06"),
        ("W2\x020.9.5(4)", b"\x06"), password=True))
    converse(own.set_clock(NOW_S), line)
    assert not line.script, "a Thursday"
    take = Take()
    line = Scripted(*session(("R2\x021-0:1.8.0()", "1.8.0(000123.456*kWh)"),
                             ("R2\x020.9.2()", "0.9.2(22-09-08)"),
                             ("R2\x020.9.1()", "0.9.1(03:00:01)")))
    converse(own.read((0,), take), line)
    assert take.values == {0: 123456} and take.meter_time == (NOW_S + 1, "", 0)


def test_a_password_that_is_refused_twice_is_not_said_again_for_a_day():
    own = reader(180, **MASS)
    wrong = [(b"/?7!\r\n", 9600, b"/MKS5<2>ADM(M550.2251)\r\n", 9600),
             (b"\x06051\r\n", 9600, checked("\x01P0\x02(1)\x03"), 9600),
             (checked("\x01P1\x02(12345678)\x03"), 9600, b"\x15", 9600),
             (b"\x01B0\x03q", 9600, checked("\x01B0\x03"), 9600)]
    for _ in range(2):
        line = Scripted(*wrong)
        text = raises(Refused, lambda line=line: converse(own.switch(True), line))
        assert "password P1: NAK" in text and "12345678" not in text
    line = Scripted(*wrong)
    assert "not said again for a day" in raises(Refused, lambda: converse(own.switch(True), line))
    assert not line.said, "three wrong ones would lock it"
    take = Take()
    line = Scripted(*session(("R2\x021-0:1.8.0()", "1.8.0(1*kWh)"), ("R2\x020.9.2()", "(22-09-08)"),
                             ("R2\x020.9.1()", "(03:00:00)")))
    converse(own.read((0,), take), line)
    assert take.values == {0: 1000}, "reading goes on"
    own._clock.start_s += 86400
    line = Scripted(*session(("W2\x0296.3.10(0)", b"\x06"), password=True),
                    *session(("R2\x0296.3.10()", "(0)")))
    converse(own.switch(True), line)


def test_a_ce308_gives_parts_of_a_day_and_what_it_did_not_keep_is_a_gap():
    own = reader(180, NOW_S - 3600, **CE308)         # 02:00 of the eighth where it is.
    script = [("R1\x02PROFI()", "PROFI(1E:71,72,73,74,0,0)"),
              ("R1\x02VPI01(07.09.22,47,2)", "VPI01(07.09.22,0.125,1)(0.0,0)"),
              ("R1\x02VPI01(08.09.22,1,4)", "VPI01(08.09.22,0.25,1)(0.5,81)(0.75,5)(1.0,1)")]
    line = Scripted(*session(*script, end=b""))
    rows = converse(own.read_profile(NOW_S - 14399, NOW_S), line)
    assert [(row.captured_at_s - NOW_S, row.values[0]) for row in rows] == [
        (-12600, 125), (-10800, None), (-9000, 250), (-7200, None), (-5400, 750), (-3600, 1000)]
    line = Scripted(*session(("R1\x02VPI01(08.09.22,4,1)", "(ERR18)"), end=b""))
    assert converse(own.read_profile(NOW_S - 3700, NOW_S), line) == []
    # The day before: it was off, and gives the latest that it has.
    line = Scripted(*session(("R1\x02VPI01(08.09.22,4,1)", "VPI01(06.09.22,9.9,1)"), end=b""))
    assert converse(own.read_profile(NOW_S - 3700, NOW_S), line) == []
    assert not line.script


def test_a_profile_of_another_setup_is_refused_by_what_the_meter_says():
    own = reader(180, **CE308)
    line = Scripted(*session(("R1\x02PROFI()", "PROFI(3C:71,72,0,0,0,0)"), end=b""))
    assert "set up as 3C:71,72,0,0,0,0" in raises(
        Refused, lambda: converse(own.read_profile(NOW_S - 3600, NOW_S), line))


def test_whole_days_without_times_show_their_period_by_their_number():
    days = {"form": "days", "command": "R1", "period_min": 30, "columns": [
        {"obis": "1-0:1.5.0", "unit": "W", "scaler": 0, "address": "GRAPE", "unit_unsaid": "kW"}]}
    hours = "".join("GRAPE(%d.5)\r\n" % at for at in range(24))
    half = "".join("GRAPE(%d.5)\r\n" % at for at in range(48))
    line = Scripted(*session(("R1\x02GRAPE(07.09.22)", half), end=b""))
    own = reader(180, NOW_S, password="writes", profile=days)
    rows = converse(own.read_profile(NOW_S - 13000, NOW_S - 10800), line)
    assert [(row.captured_at_s - NOW_S, row.values[0]) for row in rows] == [
        (-12600, 46500), (-10800, 47500)]
    line = Scripted(*session(("R1\x02GRAPE(07.09.22)", hours), end=b""))
    assert "wanted 48 values of a day" in raises(
        Refused, lambda: converse(own.read_profile(NOW_S - 13000, NOW_S - 10800), line))


def test_journals_of_a_ce308_are_read_whole_only_when_both_latest_entries_are_new():
    two = "LOE30(31,08.09.22,01:00:05,00)(30,08.09.22,00:59:00,01)"
    own = reader(180, **CE308)
    line = Scripted(*session(("R1\x02LOE30(1,2)", two), ("R1\x02LOE30()", two + (
        "(29,01.09.22,12:00:00,0)")), end=b""))
    found = converse(own.read_events(NOW_S - 86400), line)
    assert found == [(NOW_S - 7260, 1, "magnet present"), (NOW_S - 7195, 0, "magnet gone")]
    line = Scripted(*session(("R1\x02LOE30(1,2)", two), end=b""))
    assert converse(own.read_events(NOW_S - 7195), line) == [] and not line.script
    line = Scripted(*session(("R1\x02LOE30(1,2)", "LOE30(0,00.00.00,00:00:00,00)"), end=b""))
    assert converse(own.read_events(NOW_S - 86400), line) == []
    line = Scripted(*session(("R1\x02LOE30(1,2)", "LOE30(1,31.02.22,00:00:00,00)"), end=b""))
    raises(BadCheck, lambda: converse(own.read_events(NOW_S - 86400), line))


def test_a_clock_that_is_corrected_is_told_seconds_as_many_as_it_takes_and_once_a_day():
    own = reader(180, **CE308)
    assert own.clock_step_s(NOW_S) == 29
    line = Scripted(*session(
        ("R1\x02DATE_()", "DATE_(04.08.09.22)"), ("R1\x02TIME_()", "TIME_(02:58:00)"),
        ("W1\x02CTIME(29)", b"\x06"), password=True, end=b""))
    converse(own.set_clock(NOW_S), line)
    assert not line.script and own.clock_step_s(NOW_S + 3600) == 0
    assert own.clock_step_s(NOW_S + 86400) == 29
    time_only = dict(CE308["clock"])
    for key in ("correct", "most_s", "rest_hours"):
        del time_only[key]
    own = reader(180, **dict(CE308, clock=time_only))
    line = Scripted(*session(
        ("R1\x02DATE_()", "DATE_(4.08.09.22)"), ("R1\x02TIME_()", "TIME_(02:58:00)"),
        ("W1\x02TIME_(03:00:00)", b"\x06"), password=True, end=b""))
    converse(own.set_clock(NOW_S), line)
    assert not line.script and own.clock_step_s(NOW_S) is None


def test_a_value_may_stand_behind_a_comma_and_an_address_have_brackets_of_its_own():
    registers = [dict(REGISTER, address="EMD01(0.0,3)", part=1, unit_unsaid="kWh"),
                 {"name": "rate", "obis": "1-0:1.8.1", "unit": "Wh", "scaler": 0, "value": 1,
                  "address": "EMD01(0.0,3)", "unit_unsaid": "kWh"}]
    own = reader(reads="registers", read_command="R1", password="writes", registers=registers)
    take = Take()
    line = Scripted(*session(("R1\x02EMD01(0.0,3)", "EMD01(20.08.24,0.45991)(0.41342)"), end=b""))
    converse(own.read((0, 1), take), line)
    assert take.values == {0: 460, 1: 413} and not line.script


def test_what_an_entry_may_not_say_of_its_logs():
    def wrong(**more):
        return raises(CatalogError, lambda: reader(**more))

    assert "events.lists" in wrong(events={"form": "spans"})
    assert "events.lists" in wrong(events={"lists": [{"address": "a", "note": "b"}]})
    days = {"form": "days", "columns": [{"obis": "1.5.0", "unit": "W", "scaler": 0}]}
    text = wrong(profile=days)
    assert "profile.period_min" in text and "columns[0].address" in text
    assert "period_min" in wrong(profile=dict(days, period_min=7))
    assert "clock.date" in wrong(clock={"form": "dashed"})
    assert "clock.correct" in wrong(clock={"time": "T", "correct": "C", "most_s": 5})
    unsaid = {"obis": "1.5.0", "unit": "W", "scaler": 0, "unit_unsaid": "kvar"}
    assert "unit_unsaid" in wrong(profile={"columns": [unsaid]})
    assert "sign_on.ends_answered" in wrong(sign_on={"ends_answered": 1})
    raises(CannotDo, lambda: next(reader().read_switch()))


def test_a_date_read_before_midnight_is_read_again_behind_it():
    own = reader(180, **MASS)
    line = Scripted(*session(
        ("R2\x020.9.2()", "0.9.2(22-09-07)"), ("R2\x020.9.1()", "0.9.1(00:00:00)"),
        ("R2\x020.9.2()", "0.9.2(22-09-08)")))
    assert converse(own.read_clock(), line) == (NOW_S - 10800, "", 0) and not line.script
    body = "0.9.2(0220907)\r\n0.9.1(0000000)\r\n1.8.0(1*kWh)\r\n!\r\n"
    line = Scripted((b"/?7!\r\n", 9600, b"/MCS5X\r\n", 9600),
                    (b"\x06050\r\n", 9600, checked("\x02" + body + "\x03"), 9600))
    found = converse(reader(clock={"date": "0.9.2", "time": "0.9.1"}).read_clock(), line)
    assert "midnight" in found.doubt, "no clock is set by it"
