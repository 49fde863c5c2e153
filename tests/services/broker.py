"""A real mosquitto for tests: on loopback, with passwords and access rules, never anonymous."""

import base64
import hashlib
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from demo.broker import mosquitto_program
from demo.loopback import free_port
from demo.tether import tethered

_START_S = 60
# Concentrators say what is theirs and hear what is for them; the head-end sees all of a tenant.
RULES = "pattern write wum/0/%u/up/#\npattern read wum/0/%u/down/#\n"
HEAD_END_RULES = "user head-end\ntopic read wum/0/+/up/#\ntopic write wum/0/+/down/#\n"


@dataclass(slots=True)
class Broker:
    """A broker that can be killed and started again with its accounts and its port."""

    folder: Path
    port: int
    accounts: dict[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    more: str = ""               # Lines of its configuration, such as other listeners.
    _process: subprocess.Popen[bytes] | None = None

    def account(self, user: str) -> str:
        """A password for `user`, made at the first call. The broker learns it at once."""
        if user not in self.accounts:
            self.accounts[user] = secrets.token_urlsafe(18)
            self._write_files()
            if self._process is not None:
                self._process.send_signal(signal.SIGHUP)  # Reads passwords and rules anew.
                self._wait_for_account(user)
        return self.accounts[user]

    def start(self) -> None:
        """Start the broker; returns when it listens."""
        program = mosquitto_program()
        assert program, "mosquitto is not installed"
        self._write_files()
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                tethered([program, "-c", str(self.folder / "mosquitto.conf")], signal.SIGKILL),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_it_listens()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _write_files(self) -> None:
        passwords, rules = self.folder / "passwords", self.folder / "acl"
        lines = [mosquitto_line(user, word) for user, word in self.accounts.items()]
        passwords.write_text("".join(lines))
        rules.write_text(HEAD_END_RULES + "\n" + RULES)
        for path in (passwords, rules):
            path.chmod(0o600)
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\n"
            f"password_file {passwords}\nacl_file {rules}\n"
            "persistence false\nlog_dest stderr\n"
            + self.more
            + ("user root\n" if os.geteuid() == 0 else "")  # It reads its files again on SIGHUP.
        )

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            assert self._process and self._process.poll() is None, self._log()
            with socket.socket() as probe:
                if probe.connect_ex((self.host, self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(f"mosquitto does not listen after {_START_S} s: {self._log()}")

    def _wait_for_account(self, user: str) -> None:
        deadline = time.monotonic() + _START_S
        while not is_accepted(self.port, user, self.accounts[user]):
            assert time.monotonic() < deadline, f"{user} is refused: {self._log()}"
            time.sleep(0.02)

    def _log(self) -> str:
        return (self.folder / "mosquitto.log").read_text(errors="replace")[-2000:]


def mosquitto_line(user: str, password: str) -> str:
    salt = secrets.token_bytes(12)
    rounds = 101  # What mosquitto_passwd writes; enough where every password is random.
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    text = [base64.b64encode(part).decode() for part in (salt, digest)]
    return f"{user}:$7${rounds}${text[0]}${text[1]}\n"


def is_accepted(port: int, user: str, password: str) -> bool:
    """Ask with a bare MQTT 3.1.1 CONNECT (3.1); the answer's last byte is 0 for yes (3.2.2.3)."""
    fields = ("MQTT", "", user, password)
    name, client, *rest = (len(f).to_bytes(2, "big") + f.encode() for f in fields)
    body = name + b"\x04\xc2\x00\x0a" + client + b"".join(rest)
    assert len(body) < 128, "the remaining length is written as one byte"
    with socket.create_connection(("127.0.0.1", port), timeout=_START_S) as connection:
        connection.sendall(b"\x10" + bytes([len(body)]) + body)
        try:
            return connection.recv(4)[3:] == b"\x00"
        except ConnectionResetError:  # Refused: that it hangs up may overtake its answer.
            return False


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A running mosquitto; the test is skipped, and counted, where there is none."""
    if mosquitto_program() is None:
        pytest.skip("mosquitto is not installed (apt install mosquitto)")
    started = Broker(tmp_path / "broker", free_port())
    started.folder.mkdir(mode=0o700)
    started.start()
    yield started
    started.kill()
