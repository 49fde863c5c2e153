"""The only clock and the only dice."""

import ast
from pathlib import Path

import pytest

import wum_simulator
from wum_simulator.world import Compression, Dice, World, compression

ROOM = Path(wum_simulator.__file__).parent
KNOWS_TIME_OR_CHANCE = {"time", "datetime", "random", "secrets", "uuid", "numpy", "zoneinfo"}
WAITS = {"sleep", "wait_for", "timeout", "timeout_at", "call_later", "call_at", "monotonic",
         "urandom", "getrandom", "perf_counter"}


def test_nothing_but_the_world_knows_time_or_chance() -> None:
    found = []
    for path in sorted(ROOM.rglob("*.py")):
        if path.name == "world.py" or path.parent.name == "guest":
            continue    # What lies in guest/ is a board's own machine, its clock and its noise.
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [a.name.split(".")[0] for a in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(node.module or "").split(".")[0]]
            elif isinstance(node, ast.Attribute) and node.attr in WAITS:
                found.append(f"{path.name}:{node.lineno} .{node.attr}")
            elif isinstance(node, ast.Name) and node.id == "hash":
                found.append(f"{path.name}:{node.lineno} hash() differs from run to run")
            found += [f"{path.name}: import {name}" for name in names
                      if name in KNOWS_TIME_OR_CHANCE]
    assert found == []


def test_the_same_seed_purpose_and_key_throw_the_same() -> None:
    assert Dice(7).octets("noise", 3) == Dice(7).octets("noise", 3)
    assert Dice(7).stream("noise").random() == Dice(7).stream("noise").random()
    assert Dice(7).octets("noise", 3)[:4].hex() == "7ba89d92"


@pytest.mark.parametrize("other", [(8, "noise", 3), (7, "shape", 3), (7, "noise", 4)])
def test_another_seed_purpose_or_key_throws_otherwise(other: tuple[int, str, int]) -> None:
    seed, purpose, key = other
    assert Dice(seed).octets(purpose, key) != Dice(7).octets("noise", 3)


def test_keys_do_not_run_into_each_other() -> None:
    assert Dice(7).octets("a", 1, 23) != Dice(7).octets("a", 12, 3)
    assert Dice(7).octets("a", "1") != Dice(7).octets("a", 1)


def test_throws_below_a_limit_reach_every_number_and_no_other() -> None:
    assert {Dice(7).below(6, "die", n) for n in range(200)} == set(range(6))


def test_the_compressed_clock_never_runs_past_the_wall_clock() -> None:
    clock = Compression(start_s=1000.0, wall_s=1600.0, speed=60.0)
    assert clock.at(1600.0) == 1000.0
    assert clock.at(1605.0) == 1300.0
    assert clock.at(1610.0) == 1600.0
    assert clock.at(1611.0) == 1611.0   # Caught up: 1660 would be the future.
    assert clock.at(99999.0) == 99999.0


def test_the_compressed_clock_waits_for_its_wall_time() -> None:
    assert Compression(start_s=1000.0, wall_s=1600.0, speed=60.0).at(1500.0) == 1000.0


def test_a_clock_with_speed_0_stands_still() -> None:
    world = World(7, Compression(start_s=1000.0, wall_s=1600.0, speed=0.0))
    assert world.now_s() == 1000


@pytest.mark.parametrize(("start_s", "speed", "wanted"), [
    (1000.0, -1.0, "speed: wanted 0 or more"), (2000.0, 1.0, "ahead of the wall clock")])
def test_a_clock_that_cannot_be_is_refused(start_s: float, speed: float, wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        Compression(start_s=start_s, wall_s=1600.0, speed=speed)


def test_a_speed_without_a_start_is_refused_and_no_start_is_real_time() -> None:
    assert compression(None, None, 1.0) is None
    with pytest.raises(ValueError, match="need a start-s"):
        compression(None, None, 60.0)
