"""A board that has no uplink stands on a roll, gathers its release of its gateway, and gives it to
who is behind it, while power goes at commits of its flash.

The board is virtual, the air between the three is simulated and in real time; everything else is
the product: the gateway and the last one are ports of Linux.
"""

import itertools
import json
import random
import shutil
import subprocess
import sys
import time
from binascii import crc32
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.ports.mesh_bench import wait_for
from tests.ports.slot_main import SLOT_CHANGEABLE, slot_main
from tests.ports.test_board_trial_lacks import CATALOG, MODEL, own_of
from tests.ports.test_mesh_part import NETWORK_KEY
from tests.ports.test_mesh_update import ORDER_SEED, OWN, Agent, Order, quickened
from tests.ports.test_update_part import DATA, assignment
from wum_edge.carry.setting import GATEWAY, STATION, MeshModem
from wum_edge.enrolment.joining import Identity
from wum_edge.orders.journal import Journal
from wum_edge.ports.linux.cipher import Signatures
from wum_edge.ports.linux.mesh_store import MeshStore
from wum_edge.ports.linux.release_trust import read_rules
from wum_edge.ports.linux.slot_flash import SlotFlash
from wum_edge.ports.linux.update_part import flooded
from wum_edge.update import boot, slots
from wum_shared import orders, rolls, updates
from wum_shared.ripple import RippleOrder, encode_ripple_order
from wum_simulator.board.frozen import gateway as image_of
from wum_simulator.board.supervisor import POWER_ON, Board, Description, Life, Supervisor

BOARD = 2
# What a module has of another is that one's.
_QUICKENED = [(module, [pair for pair in values if pair[0] != "SECOND_US" or "offers" in module])
              for module, values in quickened()]
_HASTE = "".join(
    "change(%r, %s)\n" % (module, ", ".join("%s=%d" % pair for pair in values))
    for module, values in _QUICKENED)
MAIN = slot_main(_HASTE + "more()\n", "def more():\n    pass\n")
# Power goes at one of the next commits once pieces are put on flash, or files into the slot.
_CUT = """    import _board
    from wum_edge.update import {module}
    act = {module}.{kind}
    acted = act.{act}
    left = [{commits}]
    def counted(one):
        if left and {busy}:
            _board.cut_in(left.pop())
        return acted(one)
    act.{act} = counted
"""
_CUTS = (("fetch", "Fetch", "sync", "one._unsynced"), ("install", "Installer", "step", "True"))
CHANGEABLE = (
    *SLOT_CHANGEABLE,
    *("%s.%s" % (module, name) for module, values in _QUICKENED for name, _ in values))


@pytest.fixture
def air(tmp_path):
    """Paths of three ends of the air: the middle one hears both others."""
    links = [tmp_path / f"lora{at}" for at in (1, 2, 3)]
    words = [sys.executable, "-m", "wum_simulator", "air", "--control", str(tmp_path / "air"),
             "--chip", str(BOARD), "--hears", "1-2=12", "--hears", "2-3=12"]
    for link in links:
        words += ["--link", str(link)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE)
    assert wait_for(lambda: all(link.exists() for link in links), 60)
    yield links
    process.terminate()
    told = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 0 and "Traceback" not in told, told


def lives(dice: random.Random) -> Iterator[Life]:
    """Power goes while pieces come, then while files are written, and stays then."""
    for module, kind, act, busy in _CUTS:
        cut = _CUT.format(module=module, kind=kind, act=act, busy=busy, commits=dice.randint(1, 3))
        yield Life(0, MAIN.replace("    pass\n", cut))
    yield from itertools.repeat(Life(0, MAIN))


def set_up(folder: Path, rules_of: Path) -> bytes:
    """Write the flash of the board, which its head-end has let in; its id."""
    for name in ("keys", "catalog"):
        (folder / name).mkdir(parents=True)
    now_s = int(time.time())
    (folder / "gateway.json").write_text(json.dumps({
        "concentrator": {"name": "b", "keys": "keys", "archive": "archive", "archive_limit_mb": 1},
        "mesh": {"role": "station", "modem": {"kind": "sx126x", "port": "spi:1"}}}))
    (folder / "board.json").write_text(json.dumps(
        {"page_port": 0, "radios": {"1": {"cs": 8, "busy": 13}}}))
    (folder / "mesh.json").write_text(json.dumps({
        "network": 9, "epoch": 0, "address": BOARD, "key": NETWORK_KEY, "provisioned_s": now_s}))
    rules = read_rules(rules_of)
    (folder / "release-trust.json").write_text(json.dumps({
        "vendor": rules.vendor.hex(), "class": rules.device_class.hex(), "threshold": 1,
        "signers": {"ada": Signatures.public(b"a" * 32).hex()}}))
    shutil.copy(CATALOG / (MODEL + ".json"), folder / "catalog")
    own = own_of(now_s, Signatures.public(ORDER_SEED))
    raw = json.dumps(own).encode()
    (folder / "keys" / "own").write_bytes(raw + b"\n%08x" % crc32(raw))
    # Not the first order of its life, which would have to prove that it is new; nor its first hour.
    Journal(SlotFlash(folder / "archive"))._write_heads(6, now_s, 6)
    store = MeshStore(folder / "archive", now_s, is_new=True)
    store.keep(store.counter, 0)
    return Identity(bytes.fromhex(own["seed"]), bytes.fromhex(own["key"])).concentrator


def goes_through(head: Agent, last: Agent, desk: Order, board: Board, plug: Supervisor,
                 device: bytes) -> None:
    """From a notice that is flooded to a release that is staged everywhere."""
    def until(holds, seconds=400.0) -> None:
        def look() -> bool:
            assert plug.ended is None, board.said()
            for agent in (head, last):
                agent.tick()
            return bool(holds())
        assert wait_for(look, seconds), board.said()[-6000:]

    def routed() -> bool:
        return last.mesh.station.with_relay(
            lambda relay, _: relay.gradient.parent == BOARD and relay.clock.is_known)

    until(routed)
    now_s, given = int(time.time()), assignment(last.keys_folder)
    body = rolls.encode_roll(rolls.Roll(updates.Assignment(
        given.floor, now_s, now_s + 9999, False, given.envelope), b"",
        tuple(sorted((device, OWN[3])))))
    named = rolls.name_of(body)
    head.mesh.groups.ordered(encode_ripple_order(RippleOrder(
        17, 9, None, 0, now_s + 600, b"", orders.sign_order(
            Signatures(), ORDER_SEED, Signatures.public(ORDER_SEED), orders.Order(
                rolls.address_of(named), (7).to_bytes(8, "big"), 7, now_s, now_s, now_s + 9000,
                orders.UPDATE, updates.encode_demand(named), None)))))
    until(head.wanted)
    head.update.rolls.heard(updates.Pieces(named.digest, updates.ROLL, 0, body))
    head.update.updater.assigned(3, given)
    head.update.updater.heard(updates.Pieces(
        head.update.updater.want().digest, updates.CONTENT, 0, DATA))
    until(lambda: "update to release 7 taken" in board.said())
    until(lambda: desk.orders)           # Behind the board, which passed the roll on.
    until(lambda: last.update.updater.state == updates.STAGED)
    until(lambda: (board.description.flash / "update" / "table-a").exists())
    assert last.wanted() == [] and last.update.updater.wrong == 0
    assert plug.causes == [POWER_ON] * (1 + len(_CUTS))


def test_a_board_on_a_roll_gathers_its_release_and_gives_it_on_over_power_cuts(
        air, tmp_path, monkeypatch):
    for module, values in quickened():
        for name, value in values:
            monkeypatch.setattr(sys.modules[module], name, value)
    seed = random.randrange(10**6)
    print("seed", seed)
    agents = [Agent(tmp_path / str(address), address, role,
                    MeshModem("rui3", str(air[address - 1]), 0x1424, True))
              for address, role in ((1, GATEWAY), (3, STATION))]
    head, last = agents
    desk = Order(3)
    last.update.take_orders(desk)
    head.update.take_orders(Order(1))
    for agent in agents:
        agent.mesh.pass_on(agent.update.rolls)
        agent.mesh.groups.carry_out = lambda _, payload, __, agent=agent: flooded(
            agent.update, desk, payload)
        agent.mesh.start()
    flash = tmp_path / "flash"
    device = set_up(flash, head.keys_folder)
    (tmp_path / "log").touch()
    board = Board(Description(
        main=MAIN, flash=flash, log=tmp_path / "log", radio=str(air[BOARD - 1]),
        sources=image_of(MAIN, CHANGEABLE), flash_bytes=4 << 20))
    plug = Supervisor(board, lives(random.Random(seed)), lambda: int(time.time()))
    plug.start()
    try:
        goes_through(head, last, desk, board, plug, device)
    finally:
        plug.stop()
        for agent in agents:
            agent.mesh.stop()
            assert agent.crash is None
    print(board.said()[-3000:])
    staged = SlotFlash(flash / "update")
    assert slots.is_whole(staged, boot.A, sha256(DATA).digest()), board.said()
    assert boot.read_boot(staged).home == boot.FACTORY
