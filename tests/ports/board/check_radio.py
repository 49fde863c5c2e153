"""A radio that forgets what it was told is set up again; what it was sending counts as sent."""

from wum_edge.ports.micropython.radio import AGAIN_US, LATE_US, Radio

SECOND_US = 1000000


class Driver:
    """It never tells that it has sent while `is_lost`."""

    is_lost = True
    made = 0

    def __init__(self):
        Driver.made += 1

    def start_recv(self, continuous):
        assert continuous

    def poll_recv(self):
        return True

    def prepare_send(self, frame):
        assert frame == b"frame"

    def start_send(self):
        pass

    def poll_send(self):
        return True if self.is_lost else 1


class Setting:
    """What a radio wants of a mesh's."""

    spreading_factor = 7
    looks_first = True

    def __init__(self):
        self.way = self.modem = self


class Log:
    """What was said."""

    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)

    warn = say


def check_a_radio_that_never_tells_that_it_has_sent_is_set_up_again():
    log = Log()
    radio = Radio(Driver, Setting(), log)
    assert radio.step(SECOND_US) == [] and not radio.trouble
    radio.send(SECOND_US, b"frame", SECOND_US, 9, False)
    assert radio.step(SECOND_US + SECOND_US + LATE_US - 1) == []
    late_us = SECOND_US + SECOND_US + LATE_US
    assert radio.step(late_us) == [("sent", 9, SECOND_US)]
    assert radio.trouble == "it did not tell that a frame was sent"
    assert "does not answer: it did not tell" in log.said[-1]
    radio.send(late_us, b"frame", SECOND_US, 10, False)
    assert radio.step(late_us + AGAIN_US - 1) == [("sent", 10, 0)] and Driver.made == 1
    Driver.is_lost = False
    assert radio.step(late_us + AGAIN_US) == [] and Driver.made == 2 and not radio.trouble
    radio.send(late_us + AGAIN_US, b"frame", SECOND_US, 11, False)
    assert radio.step(late_us + AGAIN_US + 1) == [("sent", 11, SECOND_US)]
