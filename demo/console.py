"""Waiting for the console, and how to sign in to it."""

import time
import urllib.error
import urllib.request

from demo.errors import StepFailed
from demo.parts import Part
from demo.place import Place

_ANSWER_S = 60.0
_ACCOUNT = "admin"


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
                words = web.last_words()
                raise StepFailed(f"the console does not answer:\n{words}") from None
            time.sleep(0.1)


def sign_in_lines(place: Place) -> list[str]:
    """Account and password of the first start; they hold for every start on the same data."""
    try:
        password = place.console_password.read_text().strip()
    except FileNotFoundError:
        return ["  Password  the one you chose: the file of the first one was removed"]
    kept = f"(kept in {place.console_password})"
    return [f"  Account   {_ACCOUNT}", f"  Password  {password}   {kept}"]
