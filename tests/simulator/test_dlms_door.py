"""A meter that demands a sign-on in mode E, read by the gateway's reader at changing bauds."""

import pytest

from tests.simulator.dlms_bench import (
    CODES,
    NOW_S,
    Played,
    Wire,
    model_of,
    read_all,
    reader_of,
)
from wum_edge.document import Table
from wum_edge.errors import LineSilent, Refused
from wum_edge.meters.dlms import hdlc
from wum_edge.meters.dlms.entry import check_manner
from wum_edge.meters.turn import Setting, converse
from wum_simulator.meters.dlms_door import Door

LINE = Setting(2400, 8, "N", 1, 0)       # What the line is otherwise.
VALUES = {place: 1000 * place + 7 for place in range(len(CODES))}


class Hall(Wire):
    """A line whose meter hears only what is said at the baud that it listens at."""

    def __init__(self, played, door):
        super().__init__(played, hdlc.server_address(1, 17, 2))
        self.door = door
        self.setting = LINE
        self.settings = []
        self.coming = b""

    def set(self, setting):
        self.setting = setting
        self.settings.append(setting)

    def turn(self, say, is_whole, timeout_ms):
        right = self.setting[:4] == self.door.wants()[:4]
        if self.door.is_open and say:
            if not right:
                return b""
            heard = super().turn(say, is_whole, timeout_ms)
            for frame in hdlc.Scanner().scan(say):
                self.door.passed(frame)
            return heard
        if say:
            self.turns += 1
            self.coming = self.door.hear(say) if right else b""
        heard, self.coming = self.coming, b""
        if self.door.is_open and say:        # It confirms at the new baud, in a turn of its own.
            heard, self.coming = b"", heard
        is_whole(heard)
        return heard


def hall(mechanism="none", protection=0, **door):
    played = Played(mechanism, protection)
    model = model_of(played)
    reader = reader_of(played, model._replace(manner=model.manner._replace(sign_on="mode-e")))
    return played, reader, Hall(played, Door(9600, **door))


@pytest.mark.parametrize("confirms", [True, False])
@pytest.mark.parametrize(("mechanism", "protection"), [("none", 0), ("lls", 0), ("gmac", 0x30)])
def test_a_meter_behind_mode_e_is_read_at_the_baud_that_it_offers(
        mechanism, protection, confirms):
    _, reader, line = hall(mechanism, protection, confirms=confirms)
    assert read_all(reader, line).values == VALUES
    assert [one[:4] for one in line.settings] == [
        (300, 7, "E", 1), (300, 7, "E", 1), (9600, 8, "N", 1), (9600, 8, "N", 1)]
    assert line.settings[1].quiet_us == 200_000 and line.settings[3].quiet_us > 1750
    line.set(LINE)                           # Others were asked in between.
    assert converse(reader.read_profile(NOW_S - 3600, NOW_S), line)
    line.set(LINE)
    converse(reader.close(), line)
    assert not line.door.is_open
    line.set(LINE)
    assert read_all(reader, line).values == VALUES


def test_without_the_sign_on_it_hears_nothing():
    played, _, line = hall()
    take = read_all(reader_of(played), line)
    assert isinstance(take.errors[0], LineSilent) and not take.values


def test_a_meter_that_stayed_behind_the_door_is_disconnected_before_the_next_sign_on():
    _, reader, line = hall()
    assert read_all(reader, line).values == VALUES
    line.spoil = lambda turn, heard: b""     # The link is lost: the meter is in HDLC still.
    assert isinstance(read_all(reader, line).errors[0], LineSilent) and line.door.is_open
    line.spoil = None
    assert read_all(reader, line).values == VALUES


def test_a_meter_without_mode_e_is_refused_by_its_name():
    _, reader, line = hall(offers_hdlc=False)
    error = read_all(reader, line).errors[0]
    assert isinstance(error, Refused) and "WUM SIM-E does not offer mode E with HDLC" in str(error)


def test_only_hdlc_has_a_door():
    mistakes = []
    for protocol in ("dlms-hdlc", "dlms-wrapper"):
        check_manner(Table({"protocol": protocol, "sign_on": "mode-e"}, "m", mistakes))
    check_manner(Table({"protocol": "dlms-hdlc", "sign_on": "mode-d"}, "m", mistakes))
    assert [mistake[0] for mistake in mistakes] == ["m.sign_on"] * 2
    assert mistakes[0][1].startswith("direct") and '"mode-e"' in mistakes[1][1]
