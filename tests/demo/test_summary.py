"""The demo says when all that waited has arrived: once, and not before."""

import time
from datetime import UTC, datetime

from demo.clock import Clock
from demo.store import Stored
from demo.summary import Summary


def stored(last_s: float) -> Stored:
    return Stored(10, 1, None, datetime.fromtimestamp(last_s, UTC), 0)


def test_what_waited_is_said_to_have_arrived_once_and_only_when_nothing_waits(tmp_path):
    log = tmp_path / "edge-1.log"
    log.write_text("INFO 16 meters; 7 records wait for the head-end\n")
    now_s = int(time.time())
    summary = Summary("", Clock(now_s, now_s, 1), [log])
    assert summary.arrived(stored(now_s + 60)) == ""  # Nothing was killed.
    summary.note_revival()
    assert summary.arrived(None) == "" and summary.arrived(stored(now_s + 60)) == ""
    with log.open("a") as file:
        file.write("INFO 16 meters; 0 records wait for the head-end\n")
    assert summary.arrived(stored(now_s + 1)) == ""  # It was acknowledged before, perhaps.
    assert "every reading is stored" in summary.arrived(stored(now_s + 60))
    assert summary.arrived(stored(now_s + 70)) == ""
