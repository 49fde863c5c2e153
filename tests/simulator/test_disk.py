"""Disks of the town: every pulse of what a meter measured, each as long as a contact's."""

from wum_simulator.meters.disk import WIDTH_MS, Disk
from wum_simulator.town import Meter, meters
from wum_simulator.world import Dice

START_S = 1_767_225_600


def town(model: str) -> Meter:
    found: Meter = meters(Dice(7), [model], count=1)[0]
    return found


def test_an_hour_of_gas_at_sixty_times_gives_every_pulse_and_none_too_short() -> None:
    now = [START_S]
    disk = Disk(town("elster-bk-g4-pulse"), lambda: now[0])
    first, changes, closed = disk.given, [], 0
    for ms in range(0, 70_000, 20):
        now[0] = START_S + min(ms, 60_000) * 60 // 1000
        if disk.turn(ms + WIDTH_MS):
            changes.append(ms)
            closed += disk.closed
    wanted = disk.pulses_at(START_S + 3600) - first
    assert wanted > 10 and closed == wanted
    assert all(later - before >= WIDTH_MS for before, later in zip(
        changes, changes[1:], strict=False))


def test_heat_water_and_gas_agree_with_one_another() -> None:
    for model, places in (("sensus-pollucom-e", ("energy", "volume", "temperature_difference")),
                          ("itron-cyble-gas", ("volume",)), ("water-10-litres-pulse", ("volume",))):
        meter = town(model)
        before, after = (
            {s.register.name: s.scaled for s in meter.showing(at_s)}
            for at_s in (START_S, START_S + 86400))
        for name in places[:2]:
            assert before[name] is not None and after[name] is not None
            assert after[name] > before[name], (model, name)
    heat = {s.register.name: s.scaled for s in town("sensus-pollucom-e").showing(START_S)}
    assert heat["temperature_flow"] == 550 and heat["temperature_return"] == 350
    assert heat["temperature_difference"] == 20_000
