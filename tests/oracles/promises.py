"""Runs the promises of an oracle: every function of a module whose name starts with test_."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "shared")]


def run(names: dict[str, object]) -> int:
    """Call each promise, print what failed and a closing line; the exit code."""
    failed = 0
    promises = {name: value for name, value in names.items() if name.startswith("test_")}
    for name, promise in promises.items():
        assert isinstance(promise, Callable)
        try:
            promise()
        except Exception:
            failed += 1
            print(f"FAILED {name}\n{traceback.format_exc()}")
    print(f"{len(promises) - failed} passed, {failed} failed")
    return 1 if failed or not promises else 0


def refused(action: Callable[[], object], *errors: type[Exception]) -> bool:
    """Whether `action` raises one of `errors`."""
    try:
        action()
    except errors:
        return True
    return False
