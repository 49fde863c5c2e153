"""MQTT topic names, built and parsed in one place. Version 0 of the contract.

A broker can enforce who writes where with two patterns, `wum/0/%u/up/#` and `wum/0/%u/down/#`,
as long as the user name is the concentrator's id.
"""

from wum_shared.errors import Malformed
from wum_shared.fields import shown
from wum_shared.ids import checked_text, id_from_text, id_to_text

ROOT = "wum/0"
UP = "up"
DOWN = "down"
BATCH = "batch"
SCHEMA = "schema"
ACKNOWLEDGEMENT = "ack"
REQUEST = "request"       # Down: for what the head-end lacks; answered on
ANSWER = "answer"         # up.
ENROL = "enrol"           # Up and down: how a concentrator is let in (enrolment.py).
MESH = "mesh"             # Up: a concentrator's neighbours and its way through the mesh.
RIPPLE = "ripple"         # Down: flood this; up: who has it (ripple.py).
CONDITION = "condition"   # Up: how its flash and its clock are.
ORDER = "order"           # Down: something to be done, once (orders.py); answered on
RECEIPT = "receipt"       # up.
SESSION = "session"       # Down and up: pieces of a session with a meter (session.py).
GROUPS = "groups"         # No topic: what groups and their keys are sealed for in an order.
NETWORK_KEY = "network-key"     # No topic either: a mesh's key, sealed in an order.
STANDING = "standing"     # Up: which release runs, and how it goes with the next (updates.py).
WANT = "want"             # Up: pieces of a release that are wanted; they come on
PIECES = "pieces"         # down.

EVERY_UPLINK = ROOT + "/+/" + UP + "/+"
EVERY_RECEIPT = ROOT + "/+/" + UP + "/" + RECEIPT
EVERY_STANDING = ROOT + "/+/" + UP + "/" + STANDING
EVERY_WANT = ROOT + "/+/" + UP + "/" + WANT
EVERY_SESSION = ROOT + "/+/" + UP + "/" + SESSION
EVERY_ENROLMENT = ROOT + "/+/" + UP + "/" + ENROL


def topic(concentrator: bytes, direction: str, stream: str) -> str:
    """Where messages of one stream of one concentrator go."""
    assert direction in (UP, DOWN)
    return "%s/%s/%s/%s" % (ROOT, id_to_text(concentrator), direction, stream)


def parse_topic(name: str) -> tuple[bytes, str, str]:
    """(concentrator id, direction, stream) of a topic. Raises Malformed."""
    parts = name.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != ROOT or parts[3] not in (UP, DOWN):
        raise Malformed("topic: wanted %s/<id>/up|down/<stream>, got %s" % (ROOT, shown(name)))
    return id_from_text(parts[2]), parts[3], checked_text(parts[4], "topic stream")
