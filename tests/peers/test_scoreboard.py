"""The scoreboard: per protocol and make, frames tried, decoded, and with all values equal.

A protocol's rows come from score_<protocol>.py beside this file; see score.py. The table is
printed while the tests run.
"""

import importlib
from functools import cache
from pathlib import Path

import pytest

from tests.peers.score import Score

HERE = Path(__file__).resolve().parent
PROTOCOLS = sorted(path.stem.removeprefix("score_") for path in HERE.glob("score_*.py"))


@cache
def rows(protocol: str) -> tuple[Score, ...]:
    return tuple(importlib.import_module(f"tests.peers.score_{protocol}").score())


def table() -> str:
    """Every row, and why frames were left out."""
    all_rows = [row for protocol in PROTOCOLS for row in rows(protocol)]
    wide = max(len(row.make) for row in all_rows)
    lines = [f"{'protocol':<14} {'make':<{wide}} {'tried':>6} {'decoded':>8} {'equal':>6}"]
    for row in all_rows:
        lines.append(f"{row.protocol:<14} {row.make:<{wide}} {row.tried:>6} {row.decoded:>8} "
                     f"{row.equal:>6}")
        lines += [f"{'':<14} left out: {why}" for why in row.left_out]
    total = [sum(getattr(row, field) for row in all_rows)
             for field in ("tried", "decoded", "equal")]
    lines.append(f"{'all':<14} {'':<{wide}} {total[0]:>6} {total[1]:>8} {total[2]:>6}")
    return "\n".join(lines)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_frame_of_others_decodes_to_the_expected_values(protocol: str) -> None:
    """A frame that does not must be named with its reason."""
    found = rows(protocol)
    assert found, f"score_{protocol}.py gives no row"
    for row in found:
        assert row.tried >= row.decoded >= row.equal >= 0 and row.tried > 0, row
        assert row.tried - row.equal <= len(row.left_out), (
            f"{row.protocol} {row.make}: {row.tried} tried, {row.equal} equal, but only "
            f"{len(row.left_out)} reasons")


def test_the_scoreboard_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    text = table()
    with capsys.disabled():
        print(f"\n{text}")
    assert all(protocol in text for protocol in ("modbus",))
