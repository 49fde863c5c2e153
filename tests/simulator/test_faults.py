"""Which answer a fault hits, how often, and the plan that the dice make."""

import pytest

from wum_simulator.faults import PLAN_STEP_S, PLANNED, BadFault, Fault, Faults, Kind, noisy
from wum_simulator.meters.server import Request
from wum_simulator.world import Dice

AT_S = 1_727_100_000


def request(address: int = 3, first: int = 0, count: int = 2) -> Request:
    return Request(address, 4, first, count, AT_S)


def hit(faults: Faults, address: int = 3, first: int = 0, count: int = 2) -> list[Kind]:
    found = faults.hitting(address, request(address, first, count), AT_S, exceptions=False)
    return [fault.kind for fault in found]


def test_a_fault_hits_its_meter_and_no_other() -> None:
    faults = Faults(Dice(7))
    faults.order(Fault(Kind.SILENCE, address=3))
    assert hit(faults, 3) == [Kind.SILENCE]
    assert hit(faults, 4) == []
    faults.order(Fault(Kind.SLOW))
    assert hit(faults, 4) == [Kind.SLOW]


@pytest.mark.parametrize(("first", "count", "is_hit"), [
    (70, 2, False), (70, 3, True), (72, 2, True), (73, 1, True), (74, 2, False)])
def test_a_fault_of_a_range_hits_the_requests_that_touch_it(
        first: int, count: int, is_hit: bool) -> None:
    faults = Faults(Dice(7))
    faults.order(Fault(Kind.NOISE, address=3, first=72, last=73))
    assert bool(hit(faults, 3, first, count)) == is_hit


def test_a_fault_with_a_number_of_times_is_used_up() -> None:
    faults = Faults(Dice(7))
    faults.order(Fault(Kind.SILENCE, times=2))
    assert [bool(hit(faults)) for _ in range(4)] == [True, True, False, False]
    assert faults.in_force() == []


def test_an_exception_is_found_where_the_meter_decides_and_nowhere_else() -> None:
    faults = Faults(Dice(7))
    faults.order(Fault(Kind.EXCEPTION, times=1))
    assert hit(faults) == []
    assert len(faults.hitting(3, request(), AT_S, exceptions=True)) == 1
    assert faults.hitting(3, request(), AT_S, exceptions=True) == []


def test_clearing_ends_the_faults_of_one_meter_or_of_all() -> None:
    faults = Faults(Dice(7))
    for address in (3, 4, None):
        faults.order(Fault(Kind.SILENCE, address=address))
    assert faults.clear(3) == 1
    assert faults.clear() == 2
    assert faults.in_force() == []


@pytest.mark.parametrize(("fault", "wanted"), [
    (Fault(Kind.NOISE, rate=1.5), "rate: wanted 0..1, got 1.5"),
    (Fault(Kind.SLOW, ms=-1), "ms: wanted 0..60000"),
    (Fault(Kind.SILENCE, address=248), "address: wanted 1..247"),
    (Fault(Kind.SILENCE, first=9, last=8), "last: wanted 9..65535, got 8"),
    (Fault(Kind.SILENCE, times=0), "times: wanted 1"),
    (Fault(Kind.EXCEPTION, code=7), "code: wanted one of")])
def test_a_fault_that_cannot_be_is_refused(fault: Fault, wanted: str) -> None:
    faults = Faults(Dice(7))
    with pytest.raises(BadFault, match=wanted):
        faults.order(fault)
    assert faults.in_force() == []


def test_there_is_an_end_to_how_many_faults_can_be_in_force() -> None:
    faults = Faults(Dice(7))
    for _ in range(1000):
        faults.order(Fault(Kind.SLOW))
    with pytest.raises(BadFault, match="clear some"):
        faults.order(Fault(Kind.SLOW))


def test_the_plan_is_a_pure_function_of_the_seed_and_has_its_share() -> None:
    minutes = range(AT_S, AT_S + 5000 * PLAN_STEP_S, PLAN_STEP_S)
    planned = [Faults(Dice(7), 0.1).planned(3, at_s) for at_s in minutes]
    assert planned == [Faults(Dice(7), 0.1).planned(3, at_s) for at_s in minutes]
    assert planned != [Faults(Dice(8), 0.1).planned(3, at_s) for at_s in minutes]
    found = [fault for fault in planned if fault]
    assert 400 < len(found) < 600
    assert {fault.kind for fault in found} == set(PLANNED)
    assert not any(Faults(Dice(7)).planned(3, at_s) for at_s in minutes)


def test_a_planned_fault_lasts_a_minute_and_hits_like_one_on_command() -> None:
    faults = Faults(Dice(7), 1.0)
    start_s = AT_S // PLAN_STEP_S * PLAN_STEP_S
    whole = {faults.planned(3, start_s + n) for n in range(PLAN_STEP_S)}
    assert len(whole) == 1
    found = [f for exceptions in (True, False)
             for f in faults.hitting(3, request(), start_s, exceptions=exceptions)]
    assert set(found) == whole


def test_noise_at_rate_0_changes_nothing_and_at_rate_1_every_byte() -> None:
    stream = Dice(7).stream("noise")
    data = bytes(range(256))
    assert noisy(data, 0.0, stream) == data
    assert len(noisy(data, 1.0, stream)) not in (0, 256)
    assert all(noisy(b"\x55", 1.0, stream) != b"\x55" for _ in range(100))


def test_noise_comes_from_the_seed() -> None:
    data = bytes(1000)
    assert noisy(data, 0.1, Dice(7).stream("noise")) == noisy(data, 0.1, Dice(7).stream("noise"))
    assert noisy(data, 0.1, Dice(7).stream("noise")) != noisy(data, 0.1, Dice(8).stream("noise"))
