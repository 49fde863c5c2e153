"""The console's beginnings: its JavaScript fetched once, its address awaited, its account told."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from demo.errors import StepFailed
from demo.parts import Part
from demo.place import Place

_ANSWER_S = 60.0


def fetch_console_assets(root: Path, say: Callable[[str], None]) -> None:
    """Fetch others' JavaScript and fonts by npm, unless they are there already."""


def console_account(place: Place) -> list[str]:
    """Lines that say how to sign in."""
    return []


def wait_until_it_answers(address: str, web: Part) -> None:
    """Wait until the console answers at `address`. Raises StepFailed with its last words."""
    deadline = time.monotonic() + _ANSWER_S
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except urllib.error.HTTPError:
            return  # It answers; what it thinks of an unknown visitor is its business.
        except OSError:
            if time.monotonic() > deadline or not web.is_running():
                raise StepFailed(f"the console does not answer:\n{web.last_words()}") from None
            time.sleep(0.1)
