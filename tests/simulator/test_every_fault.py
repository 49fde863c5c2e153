"""Every fault of every protocol: it is there, the gateway calls it what it is, no reading is
altered and no other meter goes without.

Left out are pairs that cannot be: an echo on a connection (nobody hears himself there), a refusal
in a readout (IEC 62056-21 has none), asking a meter that talks by itself. What of a wrong meter no
register shows is in its readings alone. Pulse inputs are in test_pulse.py.
"""

from collections.abc import Iterator

import pytest

from tests.simulator.street import PROTOCOLS, START_S, WRONG, Street
from wum_shared import status
from wum_shared.batch import Event, Missed, Row
from wum_simulator.faults import Fault, Kind
from wum_simulator.wrongs import What, Wrong

SWEEPS = 3                   # After as many, damage in each is told.
ASKED = ["modbus-rtu", "modbus-tcp", "dlms-hdlc", "iec62056-21", "mbus"]
WIRED = ["modbus-rtu", "dlms-hdlc", "iec62056-21", "mbus"]
ALL = [*ASKED, "p1", "sml"]
COUNTED = ALL
Told = dict[int, str]        # Notes of the wrong meter's events, by kind.


@pytest.fixture
def streets() -> Iterator[list[Street]]:
    made: list[Street] = []
    yield made
    for one in made:
        one.close()


def healthy(name: str, streets: list[Street], count: int = 2) -> Street:
    """A street that was read once, and whole."""
    street = Street(name, count)
    streets.append(street)
    rows = [one for one in street.sweep() if isinstance(one, Row)]
    assert rows and all(street.is_true(row) for row in rows)
    return street


def swept(street: Street, sweeps: int = SWEEPS, pause_s: float = 60.0) -> tuple[
        list[Row], list[Missed], Told]:
    """Rows and missed rows of the wrong meter, and what was told of it. On the way: every value is
    what the meter showed, and the others are read whole in each sweep.
    """
    rows, missed, told = [], [], {}
    for _ in range(sweeps):
        records = street.sweep(pause_s)
        for one in records:
            if isinstance(one, Event):
                assert one.meter == 0, one.note
                told[one.kind] = one.note
            elif isinstance(one, Row):
                assert street.is_true(one), one
        others = {one.meter for one in records if isinstance(one, Row) and one.meter
                  and None not in one.values}
        assert len(others) == len(street.meters) - 1, "the others go on"
        rows += [one for one in records if isinstance(one, Row) and one.meter == 0]
        missed += [one for one in records if isinstance(one, Missed) and one.meter == 0]
    return rows, missed, told


def faulty(name: str, streets: list[Street], fault: Fault, sweeps: int = SWEEPS) -> tuple[
        list[Row], list[Missed], Told]:
    street = healthy(name, streets)
    street.faults.order(fault)
    return swept(street, sweeps)


@pytest.mark.parametrize("name", ALL)
def test_silence_is_silence(name: str, streets: list[Street]) -> None:
    rows, missed, told = faulty(name, streets, Fault(Kind.SILENCE, WRONG))
    assert not rows and {one.outcome for one in missed} == {status.SILENT}
    assert list(told) == [status.EVENT_METER_SILENT]


@pytest.mark.parametrize("name", ALL)
def test_a_wrong_check_is_damage_and_told_with_what_to_do(
        name: str, streets: list[Street]) -> None:
    rows, missed, told = faulty(name, streets, Fault(Kind.WRONG_CRC, WRONG))
    if name == "modbus-tcp":     # It has no check, but the number of the request.
        assert not rows and {one.outcome for one in missed} == {status.FOREIGN}
        assert "another answers in every sweep" in told[status.EVENT_METER_DOUBTED]
        return
    assert not rows and {one.outcome for one in missed} == {status.BAD_CHECK}
    assert "if not, check termination" in told[status.EVENT_ADDRESS_CLASH]


@pytest.mark.parametrize("name", ALL)
def test_noise_is_damage_or_costs_nothing(name: str, streets: list[Street]) -> None:
    rows, missed, told = faulty(name, streets, Fault(Kind.NOISE, WRONG, rate=1), 1)
    # A converter that has heard noise says so by exception 11.
    wanted = {status.EXCEPTION} if name == "modbus-tcp" else {status.BAD_CHECK, status.SILENT}
    assert not rows and {one.outcome for one in missed} <= wanted
    assert set(told) <= {status.EVENT_METER_SILENT}
    faint, _, _ = faulty(name, streets, Fault(Kind.NOISE, WRONG, rate=0.002))
    assert faint or PROTOCOLS[name].alone, "most of a telegram's bytes are not wanted, but checked"


@pytest.mark.parametrize("name", ALL)
def test_a_slow_turn_within_the_timeout_is_read_and_one_past_it_is_silence(
        name: str, streets: list[Street]) -> None:
    rows, missed, told = faulty(name, streets, Fault(Kind.SLOW, WRONG, ms=200), 1)
    assert [row for row in rows if row.register_set == 0]
    assert not missed and not told
    if name in ASKED:
        rows, missed, told = faulty(name, streets, Fault(Kind.SLOW, WRONG, ms=2600))
        assert {one.outcome for one in missed} <= {status.SILENT, status.FOREIGN}
        assert len(rows) < SWEEPS and status.EVENT_METER_SILENT in told


@pytest.mark.parametrize("name", ASKED)
def test_answers_of_the_request_before_are_never_readings_of_this_one(
        name: str, streets: list[Street]) -> None:
    rows, missed, _ = faulty(name, streets, Fault(Kind.STALE, WRONG, times=4))
    assert rows, "it is read when that is over"
    assert {one.outcome for one in missed} <= {status.FOREIGN, status.BAD_CHECK}


@pytest.mark.parametrize("name", ["modbus-rtu", "modbus-tcp", "dlms-hdlc", "mbus"])
def test_a_refusal_is_the_meters_own_word(name: str, streets: list[Street]) -> None:
    rows, missed, _ = faulty(name, streets, Fault(Kind.EXCEPTION, WRONG))
    wanted = status.ASSOCIATION_REFUSED if name == "dlms-hdlc" else status.EXCEPTION
    assert not rows and {one.outcome for one in missed} == {wanted}


@pytest.mark.parametrize("name", WIRED)
def test_an_echo_of_our_own_words_costs_nothing(name: str, streets: list[Street]) -> None:
    street = healthy(name, streets)
    street.faults.order(Fault(Kind.ECHO))
    rows, missed, told = swept(street, 1)
    assert rows and None not in rows[0].values and not missed and not told


@pytest.mark.parametrize("name", WIRED)
def test_two_at_one_address_that_answer_at_once_are_told(
        name: str, streets: list[Street]) -> None:
    rows, missed, told = faulty(name, streets, Fault(Kind.TWINS, WRONG))
    assert not rows and {one.outcome for one in missed} == {status.BAD_CHECK}
    assert "do two meters have it?" in told[status.EVENT_ADDRESS_CLASH]


@pytest.mark.parametrize(("name", "late_ms", "sweeps"), [
    ("iec62056-21", 1500, 2), ("iec62056-21", 1900, 2), ("modbus-rtu", 300, 2), ("mbus", 1000, 2),
    ("mbus", 1500, 3), ("mbus", 1900, 2)])       # 3: it damages not the next, but the one after.
def test_a_second_meter_that_talks_when_others_are_asked_is_told_and_stops_nobody(
        name: str, late_ms: int, sweeps: int, streets: list[Street]) -> None:
    street = healthy(name, streets, 4)
    street.faults.order(Fault(Kind.TWINS, WRONG, ms=late_ms))
    _, _, told = swept(street, sweeps)
    assert "two meters answer at address 1" in told[status.EVENT_ADDRESS_CLASH]


@pytest.mark.parametrize("name", ALL)
def test_a_reset_and_a_roll_over_are_told_and_read_as_they_are(
        name: str, streets: list[Street]) -> None:
    street = healthy(name, streets)
    street.wrong.goes_wrong(Wrong(What.RESET, street.world.now_s()))
    rows, missed, told = swept(street, 1)
    assert rows and not missed and list(told) == [status.EVENT_COUNTER_BACK]
    assert "it was reset, or is another meter's" in told[status.EVENT_COUNTER_BACK]
    street = healthy(name, streets)
    street.wrong.goes_wrong(Wrong(What.ROLLOVER, street.world.now_s() + 20, 99_999_965))
    _, _, told = swept(street, 1)
    assert not told
    rows, missed, told = swept(street, 1, 300)
    assert rows and not missed
    assert "it rolled over" in told[status.EVENT_COUNTER_BACK]


@pytest.mark.parametrize("name", ALL)
def test_a_replaced_meter_is_told(name: str, streets: list[Street]) -> None:
    street = healthy(name, streets)
    street.wrong.goes_wrong(Wrong(What.REPLACED, street.world.now_s()))
    rows, missed, told = swept(street)
    if PROTOCOLS[name].alone:    # It says who it is.
        assert not rows and {one.outcome for one in missed} == {status.FOREIGN}
        assert "was it replaced" in told[status.EVENT_METER_DOUBTED]
    else:
        assert rows and "another meter's" in told[status.EVENT_COUNTER_BACK]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("what", [What.INVERTED_CT, What.MAGNET, What.OPEN_NEUTRAL])
def test_what_tampers_with_a_meter_shows_in_its_readings_and_in_its_own_log(
        name: str, what: What, streets: list[Street]) -> None:
    street = healthy(name, streets)
    right = street.wrong.instant_at(street.world.now_s() + 60)
    amount = 1 if what is What.INVERTED_CT else 80
    street.wrong.goes_wrong(Wrong(what, street.world.now_s(), amount))
    assert street.wrong.instant_at(street.world.now_s() + 60) != right, "the fault is there"
    rows, missed, told = swept(street, 1)
    assert rows and not missed
    notices = name == "dlms-hdlc" or name == "mbus" and what is not What.INVERTED_CT
    assert list(told) == ([status.EVENT_OF_METER] if notices else [])


@pytest.mark.parametrize("name", ["dlms-hdlc", "iec62056-21", "p1"])
@pytest.mark.parametrize(("what", "amount"), [(What.CLOCK_OFF, 400), (What.CLOCK_DRIFT, 500_000)])
def test_a_clock_that_is_off_or_drifts_stands_beside_the_readings_and_is_told(
        name: str, what: What, amount: int, streets: list[Street]) -> None:
    street = healthy(name, streets)
    began_s = street.world.now_s()
    street.wrong.goes_wrong(Wrong(what, began_s, amount))
    rows, missed, told = swept(street, 1)
    assert not missed and list(told) == [status.EVENT_METER_CLOCK_OFF]
    row = next(one for one in rows if one.register_set == 0)
    ahead_s = 400 if what is What.CLOCK_OFF else (row.captured_at_s - began_s) // 2
    assert row.values[-1] is not None and abs(row.values[-1] - ahead_s) <= 4
    assert START_S < row.captured_at_s <= street.world.now_s()
