"""The board's connection over TLS on a real mbedTLS, which the virtual board has not: by hand.

    python -m tests.ports.tls_by_hand MICROPYTHON

MICROPYTHON is its port for Linux, built with mbedTLS and micropython-lib's `ssl`. 500 messages go
to a real mosquitto, and each certificate that is not to be trusted is refused.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.ports.test_board_tls import USER, Place

ROOT = Path(__file__).resolve().parents[2]
MANY = 500
SIZES = "bytes([number & 255]) * (300 + 37 * (number % 90))"
_GUEST = """
import sys, time
sys.path[:] = [{root!r} + "/shared", {root!r} + "/edge"] + sys.path
from wum_edge.log import Log
from wum_edge.ports.micropython import tls
from wum_edge.ports.micropython.broker import BoardBroker
from wum_edge.ports.micropython.names import Names
from wum_edge.uplink.broker import Dice
said = []
class Said(Log):
    def say(self, text):
        said.append(text)
        print(text)
    warn = say
class Clock:
    def monotonic_ms(self):
        return time.ticks_ms()
    def is_set(self):
        return True
class Die(Dice):
    def below(self, limit):
        return 0
one = BoardBroker(("127.0.0.1", {port}, {user!r}, lambda: [{password!r}]),
                  "wum/0/{user}/down/#", lambda topic, payload: None, Die(), Clock(), Said(),
                  10 ** 9, Names(lambda: ["127.0.0.1"], None, None),
                  secure=tls.secure("localhost", open({authority!r}, "rb").read()))
number = longest = 0
while not said or one.session() and (number < {many} or one._handed_over):
    began = time.ticks_ms()
    one.tick()
    longest = max(longest, time.ticks_diff(time.ticks_ms(), began))
    if number < {many} and one.publish("wum/0/{user}/up/batch", {sizes}):
        number += 1
    time.sleep_ms(1)
print("%d messages, the longest turn of %d ms" % (number, longest))
one.close()
"""


def main(micropython: str) -> None:
    """Tell of each port of the broker what came of it; ends in an error where one is believed."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        (Path(folder) / "ca.pem").write_text(place.authority)
        heard: list[bytes] = []
        head_end = mqtt.Client(CallbackAPIVersion.VERSION2)
        head_end.username_pw_set("head-end", place.broker.account("head-end"))
        head_end.on_message = lambda client, data, message: heard.append(bytes(message.payload))
        head_end.connect("127.0.0.1", place.ports["no TLS"])
        head_end.subscribe("wum/0/+/up/#", 1)
        head_end.loop_start()
        time.sleep(1)
        for name, port in place.ports.items():
            (Path(folder) / "guest.py").write_text(_GUEST.format(
                root=str(ROOT), port=port, user=USER, password=place.password, many=MANY,
                authority=folder + "/ca.pem", sizes=SIZES))
            run = subprocess.run([micropython, folder + "/guest.py"], capture_output=True,
                                 text=True, timeout=600, check=False)
            print("%s: %s%s" % (name, run.stdout, run.stderr))
            assert ("connected to" in run.stdout) == (name == "good")
        head_end.loop_stop()
        place.broker.kill()
        assert heard == [eval(SIZES) for number in range(MANY)], "not what was sent"


if __name__ == "__main__":
    main(sys.argv[1])
