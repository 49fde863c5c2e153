"""A fleet of 2,000 concentrators on the real core and the real store, in virtual time.

Here are one that fails, and a smaller one that does not; `make fleets` runs many.
"""

from collections import Counter

from tests.cloud.campaigns import fleet
from tests.cloud.campaigns.bench import FleetBench
from wum_cloud.campaigns.plan import Plan

COUNT = 2000
PLAN = Plan(spread_s=900, at_once=500)


async def test_a_release_that_fails_on_5_percent_stops_in_wave_one_or_two_and_loses_nobody(
        database_url: str) -> None:
    devices = fleet.draw(1, COUNT, bad_percent=5, offline_percent=0)
    assert Counter(d.fault for d in devices)[fleet.FINE] == COUNT - 100     # The premise.
    bench = FleetBench(database_url, devices, PLAN)
    bench.prepare(seed=1)
    assert await bench.run(most_hours=72) == "stopped"
    wave, why = bench.ask("select wave, why from campaign")[0]
    assert wave <= 1 and "failed, at most" in why
    touched = [d for d in devices if d.assignment]
    assert 0 < len(touched) <= COUNT // 10
    assert [d for d in devices if d.is_lost] == []
    # Who does not run the new release runs the old one; who is called off or came back as well.
    assert {d.fault for d in touched if d.sequence == fleet.NEW[0]} <= {fleet.FINE, fleet.SILENT}
    settled = Counter(dict(bench.ask(
        "select state, count(*) from campaign_member group by state")))
    assert set(settled) <= {"good", "failed", "back", "left out"}
    assert settled["left out"] >= COUNT * 9 // 10 and settled["good"] + settled["failed"] > 10


async def test_a_good_release_comes_to_all_who_can_be_reached(database_url: str) -> None:
    count = 400
    devices = fleet.draw(2, count, bad_percent=0, offline_percent=3)
    bench = FleetBench(database_url, devices, PLAN)
    bench.prepare(seed=2)
    assert await bench.run(most_hours=120) == "done"
    found = Counter((d.fault, d.sequence) for d in devices)
    assert found == {(fleet.FINE, 4): count - 12, (fleet.OFFLINE, 3): 12}
    settled = dict(bench.ask("select state, count(*) from campaign_member group by state"))
    assert settled == {"good": count - 12, "failed": 12}
    assert bench.ask("select distinct fault from campaign_member where state = 'failed'") == [
        ("silent",)]
