"""How a station of the mesh stands, for people: a sentence, and the tables of `wum-edge mesh`.

A running gateway shows itself at a socket in its archive's folder, for its own user alone. Left
out: what the head-end is told (carry/reporting.py).
"""

import contextlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any, TextIO

from wum_edge.mesh.gradient import RANK_MAX
from wum_edge.mesh.neighbours import ONE
from wum_edge.mesh.relay import Relay
from wum_edge.ports.linux.mesh_part import MeshPart
from wum_edge.ports.linux.table import print_table

SOCKET = "mesh-status"
_PICTURE_MAX = 65536
_WAIT_S = 5.0


def picture(part: MeshPart) -> dict[str, Any]:
    """All that is shown, as JSON takes it."""
    found: dict[str, Any] = part.station.with_relay(_relay_picture)
    keys = part.member.keys
    found["network"] = None if keys is None else keys.network
    found["joins"] = part.station.joiner is not None
    modem, udp = part.station.modem, part.station.udp
    if modem is not None:
        found["modem"] = getattr(modem, "state", "")
    for one in found["neighbours"]:
        one["udp"] = "" if udp is None else udp.place_of(one["station"])
    if part.carriage is not None and (part.carriage.origins or part.standby is None):
        found["carries"] = {"origins": len(part.carriage.origins),
                            "waiting": part.carriage.waiting, **part.carriage.counts}
    if part.through is not None:
        found["own"] = {"sent": part.through.sent, "received": part.through.received}
    if part.standby is not None:
        found["standby"] = True
    return found


def _relay_picture(relay: Relay, t_us: int) -> dict[str, Any]:
    gradient = relay.gradient
    return {
        "station": relay.setting.address, "is_gateway": gradient.is_gateway,
        "rank": gradient.rank, "has_way": gradient.rank < RANK_MAX,
        "epoch": relay.guard.epoch, "has_two_keys": relay.guard.has_two,
        "gateway": gradient.gateway, "parent": gradient.parent,
        "held": relay.custody.size, "unreceipted": relay.unreceipted.size,
        "down": relay.downward.size, "duty_percent": round(
            relay.ledger.spent_us(t_us) * 100 / relay.ledger.limit_us, 1),
        "neighbours": [
            {"station": other.address, "rank": other.rank, "quality": other.quality * 100 // ONE,
             "margin_db": other.margin_q4 / 4, "wire": other.wired > 0,
             "age_s": (t_us - other.heard_at_us) // 1_000_000}
            for other in relay.neighbours.all()]}


def sentence(part: MeshPart) -> str:
    """A part of the gateway's line on how it stands."""
    found = picture(part)
    if found["joins"]:
        return "asks a neighbour to be admitted to the mesh"
    if found["is_gateway"]:
        way = "gateway of the mesh" + (", for want of another" if found.get("standby") else "")
    elif found["has_way"]:
        way = f"mesh by station {found['parent']} to {found['gateway']}, rank {found['rank']}"
    else:
        way = "mesh without a way to a gateway"
    parts = [way, f"{len(found['neighbours'])} neighbours", f"{found['held']} pieces in custody"]
    if found.get("modem") not in (None, "ready", "sending", "being tuned"):
        parts.append(f"modem {found['modem']}")
    if "carries" in found:
        carries = found["carries"]
        parts.append(f"carries for {carries['origins']}: {carries['up']} up, "
                     f"{carries['down']} down, {carries['waiting']} wait")
    return ", ".join(parts)


class PictureSocket:
    """Shows the picture to whoever connects; asked in the agent's thread, a few times a second."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        self._path = folder / SOCKET
        self._path.unlink(missing_ok=True)       # The folder is locked: it is nobody else's.
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        with _short(self._path) as name:
            self._socket.bind(name)
        os.chmod(self._path, 0o600)
        self._socket.listen(2)

    def tick(self, part: MeshPart) -> None:
        with contextlib.suppress(BlockingIOError):
            client, _ = self._socket.accept()
            with client, contextlib.suppress(OSError):
                client.settimeout(0.2)           # Nobody holds the agent up.
                client.sendall(json.dumps(picture(part)).encode())

    def close(self) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)


def show(archive: Path, out: TextIO) -> int:
    """`wum-edge mesh`: print how the running gateway stands in its mesh; 1 where none runs."""
    data = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(_WAIT_S)
            with _short(archive / SOCKET) as name:
                client.connect(name)
            while piece := client.recv(_PICTURE_MAX):
                data += piece
    except OSError as error:
        print(f"no gateway with a mesh runs with this configuration ({error.strerror or error})",
              file=sys.stderr)
        return 1
    _print(json.loads(data), out)
    return 0


def _print(found: dict[str, Any], out: TextIO) -> None:
    if found["joins"]:
        print("It asks a neighbour to be admitted to the mesh.", file=out)
    if found["network"] is None:
        return
    print(f"Station {found['station']} of network {found['network']:04x}"
          + (f", modem {found['modem']}" if "modem" in found else ""), file=out)
    print(f"Key: epoch {found['epoch']}" + (
        ", beside the one before, until the head-end ends that." if found["has_two_keys"]
        else "."), file=out)
    if found["is_gateway"]:
        print("Route: it is a gateway" + (
            ", for want of another." if found.get("standby") else "."), file=out)
    elif found["has_way"]:
        print(f"Route: station {found['parent']} towards gateway {found['gateway']}, "
              f"rank {found['rank']} (units of 4 ms).", file=out)
    else:
        print("Route: none; no neighbour leads to a gateway.", file=out)
    print(f"Queue: {found['held']} pieces in custody, {found['unreceipted']} objects of its own "
          f"that no gateway has confirmed, {found['down']} pieces on their way down; "
          f"{found['duty_percent']} % of the duty used.", file=out)
    if "carries" in found:
        c = found["carries"]
        print(f"Carries for {c['origins']} concentrators: {c['up']} messages up, {c['again']} of "
              f"them again, {c['down']} down, "
              f"{c['waiting']} wait, {c['given up'] + c['no room down']} given up.", file=out)
    if not found["neighbours"]:
        print("No neighbour was heard yet.", file=out)
        return
    print_table(
        ["neighbour", "by", "rank", "arrives", "margin dB", "heard s ago"],
        [[str(one["station"]), f"wire {one['udp']}" if one["wire"] else "radio",
          "-" if one["rank"] >= RANK_MAX else str(one["rank"]), f"{one['quality']} %",
          "-" if one["wire"] else f"{one['margin_db']:.1f}", str(one["age_s"])]
         for one in found["neighbours"]], out)


@contextlib.contextmanager
def _short(path: Path) -> Any:
    """A name that the kernel takes for a socket, however deep its folder lies."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
