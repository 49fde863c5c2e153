"""A RUI3 driver against scripted answers: what the manual lets happen, and what it does not."""

from wum_edge.mesh.airtime import airtime_us, modulation
from wum_edge.modem import rui3_words as words
from wum_edge.modem.rui3 import (
    ABSENT,
    AGAIN_US,
    BUSY_MAX,
    READY,
    REFUSING,
    SENDING,
    SETTING_UP,
    SILENT,
    TUNING,
    Radio,
    Rui3,
)

WAYS = [modulation(7, 250_000), modulation(9, 125_000)]
RADIO = Radio(869_525_000, 14, WAYS, 0x1424, True)


class Module:
    """Answers as it is told to; what it is not told to, it answers with OK."""

    def __init__(self, radio=RADIO):
        self.core, self.now, self.heard = Rui3(radio), 1_000, []
        self.answers = {"AT+NWM=?": ["AT+NWM=0", "OK"], "AT+SYNCWORD=?": ["AT+SYNCWORD=1424", "OK"],
                        "AT+VER=?": ["AT+VER=RUI_4.0.6_RAK3172-E", "OK"]}

    def open(self):
        self.core.opened(self.now)
        self.talk()

    def say(self, *lines):
        for line in lines:
            self.core.received(self.now, line.encode() + b"\r\n")

    def talk(self):
        """Answer everything that is asked."""
        for _ in range(40):
            asked = [line for line in self.core.to_write().decode().split("\r\n") if line]
            if not asked:
                return
            for line in asked:
                self.heard.append(line)
                name = "AT+PSEND" if line.startswith("AT+PSEND") else line
                self.now += 1_000
                self.say(*self.answers.get(name, ["OK"]))

    def wait(self, us):
        self.now += us
        self.core.tick(self.now)

    def news(self):
        return " ".join([text for _, text in self.core.take_news()])


def ready():
    module = Module()
    module.open()
    assert module.core.state == READY
    module.heard.clear()
    module.core.take_news()
    return module


def test_it_is_set_up_as_the_manual_says():
    module = Module()
    module.open()
    assert module.core.state == READY and "RUI_4.0.6" in module.news()
    assert module.heard == [
        "AT", "AT+VER=?", "AT+NWM=?", "AT+PRECV=0", "AT+P2P=869525000:7:1:0:8:14:1",
        "AT+SYNCWORD=?", "AT+ENCRY=0", "AT+IQINVER=0", "AT+CAD=1", "AT+PRECV=65533"]


def test_what_nobody_asked_for_changes_nothing():
    module = ready()
    for line in ("AT+NWM=1", "AT+SYNCWORD=0000", "AT+VER=of a liar", "AT+=", "AT+NWM=?="):
        module.say(line, "OK", "OK", "OK")
        assert module.core.state == READY and module.core.to_write() == b"", line
    assert module.core.counts == {"unasked": 5} and "RUI_4.0.6" in module.core.version


def test_one_of_lorawan_is_switched_and_starts_anew():
    module = Module()
    module.answers["AT+NWM=?"] = ["AT+NWM=1", "OK"]
    module.answers["AT+NWM=0"] = []
    module.open()
    assert module.core.state == SETTING_UP and module.heard[-1] == "AT+NWM=0"
    module.answers["AT+NWM=?"] = ["AT+NWM=0", "OK"]
    module.say("RAKwireless RAK3172 Example", "------", "Current Work Mode: LoRa P2P.")
    module.talk()
    assert module.core.state == READY and "by itself" not in module.news()


def test_the_sync_word_is_written_only_when_it_differs():
    module = Module()
    module.answers["AT+SYNCWORD=?"] = ["AT+SYNCWORD=3444", "OK"]
    module.open()
    assert "AT+SYNCWORD=1424" in module.heard and module.core.state == READY


def test_an_old_release_gets_its_bandwidth_by_name():
    module = Module()
    module.answers["AT+P2P=869525000:7:1:0:8:14:1"] = ["AT_PARAM_ERROR"]
    module.open()
    assert "AT+P2P=869525000:7:250:0:8:14:1" in module.heard and module.core.state == READY


def test_a_frame_goes_out_and_is_told_with_its_airtime():
    module = ready()
    module.core.send(module.now, b"\x01\xab", 0, 7)
    module.talk()
    assert module.heard == ["AT+PSEND=01AB"] and module.core.state == SENDING
    assert module.core.take_events() == []
    module.say("+EVT:TXP2P DONE")
    assert module.core.take_events() == [("sent", 7, airtime_us(WAYS[0], 2))]
    assert module.core.state == READY


def test_a_frame_that_is_heard_is_told_in_pieces_or_whole():
    module = ready()
    line = b"+EVT:RXP2P:-97:-6:DEADBEEF\r\n"
    for at in range(len(line)):
        module.core.received(module.now, line[at:at + 1])
    assert module.core.take_events() == [("rx", b"\xde\xad\xbe\xef", -97, -24, 0)]


def test_a_frame_may_be_heard_while_a_command_is_answered():
    module = Module()
    module.core.opened(module.now)
    module.say("+EVT:RXP2P:-50:9:00")
    module.talk()
    assert module.core.state == READY
    assert module.core.take_events() == [("rx", b"\x00", -50, 36, 0)]


def test_a_busy_channel_is_no_fault():
    module = ready()
    module.answers["AT+PSEND"] = ["AT_BUSY_ERROR"]
    for token in range(BUSY_MAX):
        assert module.core.state == READY
        module.core.send(module.now, b"x", 0, token)
        module.talk()
        assert module.core.take_events() == [("sent", token, 0)]
    assert "in a row" in module.news() and "AT+PRECV=65533" in module.heard


def test_one_that_answers_ok_and_is_busy_then_has_not_sent():
    module = ready()
    module.answers["AT+PSEND"] = ["OK", "AT_BUSY_ERROR"]
    module.core.send(module.now, b"x", 0, 3)
    module.talk()
    assert module.core.take_events() == [("sent", 3, 0)] and module.core.state == READY


def test_one_that_answers_nothing_is_asked_three_times_and_later_again():
    module = Module()
    module.answers["AT"] = []
    module.open()
    for _ in range(3):
        assert module.core.state == SETTING_UP
        module.wait(1_100_000)
        module.talk()
    assert module.core.state == SILENT and "silent" in module.news()
    assert module.heard == ["AT", "AT", "AT"]
    module.core.send(module.now, b"x", 0, 1)
    assert module.core.take_events() == [("sent", 1, 0)]
    module.answers["AT"] = ["OK"]
    module.wait(AGAIN_US)
    module.talk()
    assert module.core.state == READY


def test_a_frame_without_an_end_counts_as_sent():
    module = ready()
    module.core.send(module.now, bytes(200), 0, 4)
    module.talk()
    module.wait(3_000_000)
    assert module.core.state == SILENT
    assert module.core.take_events() == [("sent", 4, airtime_us(WAYS[0], 200))]


def test_one_that_refuses_is_told_with_the_command():
    module = Module()
    module.answers["AT+PRECV=65533"] = ["AT_ERROR"]
    module.open()
    assert module.core.state == REFUSING and "AT+PRECV=65533: AT_ERROR" in module.news()
    module.answers.pop("AT+PRECV=65533")
    module.wait(AGAIN_US)
    module.talk()
    assert module.core.state == READY


def test_a_start_in_the_middle_of_a_frame_is_set_up_and_told():
    module = ready()
    module.core.send(module.now, bytes(20), 0, 9)
    module.talk()
    module.say("RAKwireless RAK3172 Example", "-----", "Current Work Mode: LoRa P2P.")
    module.talk()
    assert module.core.state == READY and module.core.counts["restarts"] == 1
    assert module.core.take_events() == [("sent", 9, airtime_us(WAYS[0], 20))]
    assert "by itself" in module.news()


def test_one_that_is_pulled_out_comes_back():
    module = ready()
    module.core.send(module.now, bytes(20), 0, 9)
    module.core.lost("Input/output error")
    assert module.core.state == ABSENT and "gone" in module.news()
    assert module.core.take_events()[0][:2] == ("sent", 9) and module.core.deadline_us() is None
    module.core.to_write()
    module.open()
    assert module.core.state == READY


def test_another_rate_is_tuned_for_a_frame_and_back():
    module = ready()
    module.core.send(module.now, b"x", 1, 2)
    assert module.core.state == TUNING
    module.talk()
    assert module.heard == ["AT+PRECV=0", "AT+P2P=869525000:9:0:0:8:14:1", "AT+PRECV=65533",
                            "AT+PSEND=78"]
    module.say("+EVT:TXP2P DONE")
    module.talk()
    assert module.heard[-2] == "AT+P2P=869525000:7:1:0:8:14:1" and module.core.state == READY


def test_noise_is_counted_and_no_frame():
    module = ready()
    for noise in (b"\xff\xfe\x00\n", b"+EVT:RXP2P:-97:6:ABC\n", b"+EVT:RXP2P:-97:6:XY\n",
                  b"+EVT:RXP2P:-97:6\n", b"+EVT:RXP2P:::\n", b"x" * 5000 + b"\n", b"OK\n", b"\n"):
        module.core.received(module.now, noise)
    assert module.core.take_events() == [] and module.core.counts["garbage"] == 6
    module.say("+EVT:RXP2P:-97:6:AB")
    assert len(module.core.take_events()) == 1


def test_every_line_of_random_bytes_leaves_a_modem_that_works():
    state = 12345
    module = ready()
    for _ in range(400):
        data = []
        for _ in range(20):
            state = state * 1_103_515_245 + 12_345 & 0x7FFFFFFF
            data.append(state >> 16 & 255)
        module.core.received(module.now, bytes(data))
    module.core.received(module.now, b"\n")
    module.core.take_events()
    module.core.send(module.now, b"x", 0, 1)
    module.talk()
    module.say("+EVT:TXP2P DONE")
    assert ("sent", 1, airtime_us(WAYS[0], 1)) in module.core.take_events()


def test_what_a_modem_can_make():
    assert words.can_make(WAYS[0]) and not words.can_make(modulation(5, 250_000))
    assert not words.can_make(modulation(7, 62_500))
    assert not words.can_make(modulation(7, 250_000, preamble=4))
