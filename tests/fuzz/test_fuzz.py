"""Every parser stands its saved inputs and some seconds of changed ones: a short `make fuzz`."""

import re
from pathlib import Path

import pytest

from tests.fuzz import run
from tests.fuzz.mutation import Finding, Tally, inputs, watch
from tests.fuzz.run import HERE, ROOT

SECONDS = 20.0               # Over all targets ...
EACH_MIN = 2.0               # ... but each gets this much.


@pytest.mark.parametrize("name", run.names())
def test_nothing_but_the_rooms_own_error_leaves_a_parser(name: str) -> None:
    saved = run.corpus(name)
    assert saved.is_dir() and any(saved.iterdir()), f"wanted saved inputs in {saved}"
    seconds = max(SECONDS / len(run.names()), EACH_MIN)
    result = watch(run.target(name), saved, seconds=seconds, seed=20261121)
    assert isinstance(result, Tally), f"{name} {result.what}: {result.data.hex()}"
    assert result.inputs > len(list(saved.iterdir()))


def test_whatever_hears_a_bus_or_a_radio_has_a_target() -> None:
    edge = ROOT / "edge" / "wum_edge"
    hearing = [f"meters.{path.parent.name}" for path in sorted(edge.glob("meters/*/__init__.py"))]
    assert len(hearing) > 6                          # The premise: they are found.
    targets = "".join(path.read_text() for path in (HERE / "targets").glob("*.py"))
    for package in [*hearing, "mesh", "modem", "carry"]:
        assert re.search(rf"from wum_edge\.{package}[. ]", targets), f"nothing fuzzes {package}"


def test_a_parser_that_lets_another_error_out_is_found(tmp_path: Path) -> None:
    def bad(data: bytes) -> None:
        if b"\xff" in data:
            raise IndexError("beyond the end")

    (tmp_path / "seed").write_bytes(b"good")
    found = watch(bad, tmp_path, seconds=5, seed=1)
    assert isinstance(found, Finding) and "IndexError" in found.what and b"\xff" in found.data


def test_a_parser_that_does_not_end_is_found(tmp_path: Path) -> None:
    def endless(data: bytes) -> None:
        while data:
            data = data[:1] * 2

    (tmp_path / "seed").write_bytes(b"good")
    found = watch(endless, tmp_path, seconds=5, seed=1)
    assert isinstance(found, Finding) and "longer" in found.what


def test_a_seed_replays_the_same_inputs() -> None:
    first, second = inputs([b"seed"], 7), inputs([b"seed"], 7)
    assert [next(first) for _ in range(200)] == [next(second) for _ in range(200)]
