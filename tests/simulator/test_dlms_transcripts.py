"""The visits that MicroPython replays are those of today's simulated meter.

After a change that is meant: python -m tests.simulator.test_dlms_transcripts writes them anew.
"""

from pathlib import Path

import pytest

from tests.edge.meters.dlms.replay import NOW_S, WAYS, reader_by, visit
from tests.simulator.dlms_bench import Played, wire_of
from wum_edge.meters.dlms import hdlc
from wum_edge.meters.turn import Line
from wum_edge.ports.linux.aes_gcm import AesGcm

FILE = Path(__file__).parent.parent / "edge" / "meters" / "dlms" / "transcripts.py"
WIDTH = 88


class _Recorded(Line):
    def __init__(self, line):
        self._line = line
        self.turns = []

    def turn(self, say, is_whole, timeout_ms):
        heard = self._line.turn(say, lambda heard: False, timeout_ms)
        is_whole(heard)
        self.turns.append((say.hex(), heard.hex()))
        return heard


def recorded(way):
    """The turns of one visit."""
    played = Played(way.split("-")[0], WAYS[way][2])
    line = _Recorded(wire_of(played, limits=hdlc.Parameters(80, 200, 3, 2)))
    visit(reader_by(way, AesGcm()), line)
    assert played.now_s == NOW_S
    return line.turns


@pytest.mark.parametrize("way", WAYS)
def test_what_is_replayed_is_what_the_meter_says(way):
    from tests.edge.meters.dlms.transcripts import TRANSCRIPTS
    assert tuple(recorded(way)) == TRANSCRIPTS[way]


def _written(text):
    pieces = [text[at:at + WIDTH] for at in range(0, len(text), WIDTH)]
    joined = "\n          ".join(f'"{piece}"' for piece in pieces)
    return joined if len(pieces) == 1 else f"({joined})"


if __name__ == "__main__":
    lines = ['"""What was said and heard in whole visits of a simulated meter."""', "",
             "TRANSCRIPTS = {"]
    for name in WAYS:
        lines.append(f'    "{name}": (')
        lines += [f"        ({_written(say)},\n         {_written(heard)}),"
                  for say, heard in recorded(name)]
        lines.append("    ),")
    FILE.write_text("\n".join([*lines, "}"]) + "\n")
