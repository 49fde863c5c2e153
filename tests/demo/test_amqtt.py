"""The broker for machines without mosquitto keeps the same accounts and rights."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.amqtt_rules import allowed, covers, is_password
from demo.loopback import free_port
from tests.services.broker import HEAD_END_RULES, RULES, is_accepted, mosquitto_line

ROOT = Path(__file__).parents[2]
ACL = (HEAD_END_RULES + "\n" + RULES).splitlines()


def may(user: str, wanted: str, topic: str) -> bool:
    return any(covers(rule, topic) for rule in allowed(ACL, user, wanted))


def test_a_concentrator_speaks_and_hears_on_its_own_topics_only():
    assert may("aa01", "write", "wum/0/aa01/up/batch")
    assert may("aa01", "read", "wum/0/aa01/down/ack")
    assert not may("aa01", "write", "wum/0/bb02/up/batch")
    assert not may("aa01", "read", "wum/0/bb02/down/ack")
    assert not may("aa01", "write", "wum/0/aa01/down/ack")
    assert not may("aa01", "read", "wum/0/+/down/#")
    assert not may("aa01", "read", "wum/#")
    assert not may("aa01", "read", "#")


def test_the_head_end_hears_every_concentrator_and_nobody_is_nobody():
    assert may("head-end", "read", "wum/0/+/up/#")
    assert may("head-end", "write", "wum/0/aa01/down/ack")
    assert not may("head-end", "read", "$SYS/#")
    assert not may("", "read", "wum/0/+/up/#")
    assert not may("", "write", "wum/0//up/batch")


@pytest.mark.parametrize("user", ["+", "#", "aa01/up", "+/up/#"])
def test_a_user_name_with_wildcards_widens_nothing(user):
    assert not may(user, "write", "wum/0/aa01/up/batch")
    assert not may(user, "read", "wum/0/aa01/down/ack")


def test_a_filter_covers_what_it_says_and_no_more():
    assert covers("a/+/c", "a/b/c")
    assert covers("a/#", "a/b/c")
    assert not covers("a/+", "a/b/c")
    assert not covers("a/b/c", "a/b")
    assert not covers("a/b", "a/#")
    assert not covers("a/+/c", "a/#")


def test_only_the_password_itself_matches():
    kept = mosquitto_line("aa01", "correct").strip().partition(":")[2]
    assert is_password(kept, "correct")
    assert not is_password(kept, "Correct")
    assert not is_password(kept, "")
    assert not is_password(None, "correct")
    assert not is_password("correct", "correct")


def test_the_running_broker_lets_in_who_knows_the_password(tmp_path):
    (tmp_path / "passwords").write_text(mosquitto_line("aa01", "correct"))
    (tmp_path / "acl").write_text("\n".join(ACL))
    port = free_port()
    broker = subprocess.Popen(
        [sys.executable, "-m", "demo.amqtt_broker", str(tmp_path), str(port)], cwd=ROOT
    )
    try:
        wait_until_it_listens(port)
        assert is_accepted(port, "aa01", "correct")
        assert not is_accepted(port, "aa01", "guessed")
        assert not is_accepted(port, "", "")
    finally:
        broker.terminate()
        assert broker.wait(8) == 0


def wait_until_it_listens(port: int, patience_s: float = 20) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, "amqtt does not listen"
        time.sleep(0.05)
