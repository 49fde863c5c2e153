"""The port of the boards on a virtual one: its parts, power cuts at every commit, its settings."""

import ast
import hashlib
import json
import os
import re
import socket
import threading
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from tests import wycheproof
from wum_edge.archive.ring import Archive
from wum_edge.ports.linux import cipher as linux
from wum_edge.ports.linux.flash import LinuxFlash
from wum_simulator.board.frozen import gateway as gateway_of
from wum_simulator.board.supervisor import (
    CRASHED,
    ENDED,
    POWER_ON,
    Board,
    Description,
    Life,
    Supervisor,
)

ROOT = Path(__file__).resolve().parents[2]
CHECKS = ROOT / "tests" / "ports" / "board"
CUT_LATEST = 40              # Commits of one life are a few more.
# The clock's epoch stands for its room, where `time` is changed: no name of the port itself.
CHANGEABLE = ("wum_edge.ports.micropython.clock.epoch_s",
              "wum_edge.ports.micropython.cipher.IS_NATIVE")
PATIENCE_S = 300             # A limit only: the machine may be busy.
MODULES = ("check_flash", "check_time", "check_mqtt", "check_ciphers", "check_signatures",
           "check_claiming", "check_network_key", "check_mesh_joining", "check_dns",
           "check_dialling", "check_radio")


@pytest.fixture(scope="module")
def core():
    """The image of a board, with what the programs that run beside it name."""
    return gateway_of("\n".join(
        [path.read_text() for path in sorted(CHECKS.glob("*.py"))] + [START, NETWORK_TIME]),
        CHANGEABLE)


def checks(module):
    body = ast.parse((CHECKS / f"{module}.py").read_text()).body
    return [node.name for node in body if isinstance(node, ast.FunctionDef)
            and node.name.startswith(("check_", "each_"))]


@pytest.fixture(scope="module")
def verdicts(core, tmp_path_factory):
    """What the board says of every check, in one start."""
    folder = tmp_path_factory.mktemp("checks")
    vectors = folder / "vectors.json"
    vectors.write_text(json.dumps(_vectors()))
    runs = [f"    await runner.run('{module}', {[name]!r})\n    await asyncio.sleep_ms(0)"
            for module in MODULES for name in checks(module)]
    board = Board(Description(
        # Between two of them garbage is collected.
        main="\n".join(["import asyncio, runner", "async def main():", *runs, "    print('done')",
                        "asyncio.run(main())"]), flash=folder / "flash",
        log=folder / "log", flash_bytes=512 * 1024,
        sources=(*core, *((path, "/" + path.name) for path in CHECKS.glob("*.py")),
                 (vectors, "/vectors.json"))))
    board.start()
    assert board.wait(PATIENCE_S) == ENDED, board.said()
    return board.said()


@pytest.mark.parametrize(("module", "name"), [(m, n) for m in MODULES for n in checks(m)])
def test_on_the_board(verdicts, module, name):
    assert f"ok {name}\n" in verdicts, verdicts.partition(f"failed {name}")[2][:3000]


def _vectors():
    """Seals of this machine's libraries, over sizes around the blocks."""
    gcm, cbc, chacha = [], [], []
    for size in (0, 1, 15, 16, 17, 40, 128, 300):
        for extra in (0, 5, 17):
            key, nonce = os.urandom(16), os.urandom(12)
            plain, aad = os.urandom(size), os.urandom(extra)
            gcm.append([key, nonce, plain, aad, AESGCM(key).encrypt(nonce, plain, aad)])
            key = os.urandom(32)
            chacha.append([key, nonce, plain, aad,
                           ChaCha20Poly1305(key).encrypt(nonce, plain, aad)])
        key, vector, plain = os.urandom(16), os.urandom(16), os.urandom(16 * (size // 16 + 1))
        sealing = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
        cbc.append([key, vector, plain, sealing.update(plain) + sealing.finalize()])
    return {name: [[part.hex() for part in one] for one in many] for name, many in (
        ("gcm", gcm), ("cbc", cbc), ("chacha", chacha), *_signatures().items())}


def _signatures():
    """What Wycheproof has, and what this machine's library makes."""
    made = {"sha512": [(data, hashlib.sha512(data).digest())
                       for data in map(os.urandom, (0, 1, 111, 112, 128, 300))],
            "verify": [(v["key"], v["said"], v["signature"], b"x" * v["holds"])
                       for v in wycheproof.vectors("sign")],
            "agree": [(v["secret"], v["key"], v["shared"], b"x" * (
                v["result"] == "valid" or v["shared"] == bytes(32)))
                for v in wycheproof.vectors("agree")]}
    seeds = [os.urandom(32) for _ in range(4)]
    made["sign"] = [(seed, linux.Signatures.public(seed), seed[:place],
                     linux.Signatures().sign(seed, seed[:place]))
                    for place, seed in enumerate(seeds)]
    made["public"] = [(secret, linux.Agreement().public(secret)) for secret in seeds]
    return made


def test_power_that_goes_at_every_commit_costs_no_record_and_repeats_no_nonce(core, tmp_path):
    """Archive, cursor, all reservations, configuration; on one flash, cut after cut, then left
    alone: at first while it is new, then from late commits to early ones, so that what was promised
    is there to be lost.
    """
    board = Board(Description(
        main="import power\npower.run()", flash=tmp_path / "flash", log=tmp_path / "log",
        sources=(*core, (CHECKS / "power.py", "/power.py"))))
    supervisor = Supervisor(board, map(Life, (*range(1, 8), *range(CUT_LATEST, 7, -1))))
    supervisor.start()
    assert supervisor.join(PATIENCE_S), board.said()
    said = board.said()
    assert supervisor.ended == ENDED and said.endswith("lived\n"), said
    cuts = supervisor.causes.count(POWER_ON) - 1
    assert cuts == CUT_LATEST, "a life has fewer commits than that: %d" % cuts
    # Of power that went after a promise: else nothing could have been broken.
    assert len(re.findall(r"^(kept|cursor) \d+\nfound", said, re.M)) >= 5, said
    for what in ("nonce", "dlms", "mesh"):
        used = [int(number) for number in re.findall(rf"^{what} (\d+)$", said, re.M)]
        assert len(used) > cuts / 4 and len(set(used)) == len(used), (what, used)
    _never_behind(said)
    _configured(said)
    _keyed(said)
    flash = LinuxFlash(tmp_path / "flash" / "archive")   # The format is that of Linux.
    archive = Archive(flash, 1 << 20, bytes(8))
    assert archive.next_sequence - 1 == int(re.findall(r"kept (\d+)", said)[-1])
    flash.close()


def _never_behind(said):
    """Each start finds at least what was promised before it; the cursor never leads."""
    kept = told = 0
    for what, first, second in re.findall(r"^(found|kept|cursor) (\d+) ?(\d*)$", said, re.M):
        if what == "found":
            assert int(first) >= kept, said
            assert told <= int(second) <= int(first), said
        elif what == "kept":
            kept = int(first)
        else:
            told = int(first)


def _configured(said):
    """Each start finds the configuration that was kept before it, or the one that was on its way,
    whole."""
    kept = 0
    for number, is_whole in re.findall(r"^configured (\d+) (\w+)$", said, re.M):
        assert is_whole == "True" and int(number) in (kept, kept + 1), said
        kept = int(number)
    assert kept > 5, said


def _keyed(said):
    """Each start finds the mesh's keys that were kept before it, or those that were on their way,
    and never one of before."""
    kept = 0
    for epoch, is_whole in re.findall(r"^keyed (\d+) (\w+)$", said, re.M):
        assert is_whole == "True" and int(epoch) in (kept, kept + 1), said
        kept = int(epoch)
    assert kept > 5, said


NETWORK_TIME = """
import asyncio
from wum_edge.ports.micropython import sntp
from wum_edge.ports.micropython.clock import BoardClock
from wum_edge.ports.micropython.names import Names
async def main():
    clock = BoardClock()
    names = Names(lambda: [], clock, None)
    print(await sntp.ask("127.0.0.1", PORT, clock, names), clock.now_s() // 100)
    print(await sntp.ask("127.0.0.1", 9, clock, names))
asyncio.run(main())
"""


def test_network_time_is_asked_for_over_udp(core, tmp_path):
    at_s = 1795316400
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve():
        data, sender = server.recvfrom(64)
        server.sendto(bytes(48), sender)                 # Somebody else's; then the real one.
        server.sendto(bytes([0x24, 2]) + bytes(22) + data[40:48] + bytes(8)
                      + (at_s + 2208988800).to_bytes(4, "big") + bytes(4), sender)
    thread = threading.Thread(target=serve)
    thread.start()
    board = Board(Description(
        main=NETWORK_TIME.replace("PORT", str(server.getsockname()[1])), flash=tmp_path / "flash",
        log=tmp_path / "log", sources=core))
    board.start()
    assert board.wait(PATIENCE_S) == ENDED, board.said()
    thread.join()
    server.close()
    assert board.said() == f"True {at_s // 100}\nFalse\n"


def said_of(folder, core, wanted, **more):
    """Start a board on `folder` as its flash; all it says until `wanted` is among it."""
    board = Board(Description(
        main=START, flash=folder, log=folder.parent / "log", sources=core, **more))
    board.start()
    until = time.monotonic() + PATIENCE_S
    while wanted not in board.said():
        assert board.is_on() and time.monotonic() < until, board.said()
        time.sleep(0.05)
    board.cut()
    assert board.wait(PATIENCE_S) != CRASHED
    return board.said()


START = "from wum_edge.ports.micropython import main\nmain.start()"


@pytest.mark.parametrize(("gateway", "wanted"), [
    ('{"concentrator": ', "gateway.json is no JSON: set the board up again"),
    (None, "gateway.json cannot be read"),
    ('{"concentrator": {"name": "b"}}', "concentrator.keys: wanted"),
])
def test_a_board_that_is_not_set_up_says_what_is_missing_and_is_no_crash(
        core, tmp_path, gateway, wanted):
    (tmp_path / "flash").mkdir()
    (tmp_path / "flash" / "board.json").write_text("{}")
    if gateway is not None:
        (tmp_path / "flash" / "gateway.json").write_text(gateway)
    assert "! not set up: " in said_of(tmp_path / "flash", core, wanted)


def test_a_board_without_tls_sends_no_password_in_the_clear(core, tmp_path):
    flash = tmp_path / "flash"
    flash.mkdir()
    key = ["00" * 32, "00" * 12]
    for name, text in (
            ("gateway.json", {"concentrator": {"name": "b", "keys": "k", "archive": "a"},
                              "broker": {"host": "127.0.0.1", "port": 1}}),
            ("keys.json", {"id": "00" * 8, "tenant": "t", "epoch": 1, "uplink": key,
                           "downlink": key, "broker_user": "u", "broker_password": "p"}),
            ("board.json", {}), ("ca.pem", {})):
        (flash / name).write_text(json.dumps(text))
    assert "connected" not in said_of(
        flash, core, "this firmware has no TLS", has_tls=False)
