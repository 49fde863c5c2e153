"""`wum-edge run` as a process: killed at any moment, ended by signals, refused with sentences."""

import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus.framer import FramerRTU

from tests.ports.headend import HeadEnd, has_no_gap, started_at
from tests.ports.wire import Wire
from tests.services.broker import Broker
from wum_edge.archive.reader import Limits
from wum_edge.archive.ring import Archive
from wum_edge.meters.catalog import protocols
from wum_edge.ports.linux import order_desk, run
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.configured import configured
from wum_edge.ports.linux.flash import LinuxFlash
from wum_edge.ports.linux.keys import read_keys
from wum_edge.uplink.keys import Keys
from wum_shared.batch import Event, Missed, Row
from wum_shared.ids import id_to_text
from wum_shared.status import EVENT_COUNTER_DOUBTFUL
from wum_shared.topics import ORDER

KILLS = 8
PATIENCE_S = 60
END_S = 60         # What a signal may take to end it.


class CountingMeters:
    """Answers for every address; all registers of an answer hold its number as float32."""

    def __init__(self, wire: Wire) -> None:
        self.said: set[int] = set()
        self.asked = threading.Condition()
        wire.reply = self.reply

    def reply(self, heard: bytes) -> list[tuple[float, bytes]]:
        unit, function, _, count = struct.unpack(">BBHH", heard[:6])
        with self.asked:
            number = len(self.said) + 1
            self.said.add(number)
            self.asked.notify_all()
        body = struct.pack(">f", number) * (count // 2)
        answer = bytes((unit, function, len(body))) + body
        return [(0.0, answer + FramerRTU.compute_CRC(answer).to_bytes(2, "big"))]

    def wait_for(self, more: int) -> None:
        """Until so many more requests have come."""
        with self.asked:
            wanted = len(self.said) + more
            assert self.asked.wait_for(lambda: len(self.said) >= wanted, timeout=PATIENCE_S)


class Cabinet:
    """A folder with keys, archive and configuration, and the process that works in it."""

    def __init__(self, folder: Path, broker: Broker, wire: Wire) -> None:
        self.folder = folder
        self.identifier = id_to_text(os.urandom(8))
        self.port = wire.near.path
        self._broker = broker
        self._processes: list[subprocess.Popen[bytes]] = []
        keys = folder / "keys"
        keys.mkdir(mode=0o700)
        for name, text in (
                ("uplink.key", f"{os.urandom(32).hex()}\n{os.urandom(12).hex()}\n"),
                ("downlink.key", f"{os.urandom(32).hex()}\n{os.urandom(12).hex()}\n"),
                ("broker.password", broker.account(self.identifier) + "\n"),
                ("concentrator.toml", (
                    f'id = "{self.identifier}"\nname = "cabinet"\ntenant = "default"\n'
                    f'epoch = 0\nbroker_user = "{self.identifier}"\n'))):
            (keys / name).write_text(text)
            (keys / name).chmod(0o600)
        self.configure(period_s=1)

    def configure(self, period_s: int) -> None:
        meters = "".join(
            f'[[meter]]\nserial = "M-{n}"\nline = "a"\naddress = {n}\nmodel = "eastron-sdm630"\n'
            for n in (1, 2, 3))
        (self.folder / "edge.toml").write_text(
            '[concentrator]\nname = "cabinet"\nkeys = "keys"\narchive = "archive"\n'
            f'[broker]\nhost = "127.0.0.1"\nport = {self._broker.port}\ntls = false\n'
            f'[schedule]\nperiod_s = {period_s}\n'
            f'[[line]]\nname = "a"\nport = "{self.port}"\nbaud = 115200\n{meters}')

    def start(self) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "wum_edge.ports.linux", "run", "--config",
                 str(self.folder / "edge.toml")], stdin=subprocess.DEVNULL, stderr=log, stdout=log)
        self._processes.append(process)
        return process

    def kill(self) -> None:
        """Leave no process behind, whatever became of the test."""
        for process in self._processes:
            process.kill()
            process.wait()

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def keys(self) -> Keys:
        return read_keys(self.folder / "keys").keys

    def archived(self) -> dict[int, Row | Missed | Event]:
        """Every record in the archive, once no process works in it."""
        flash = LinuxFlash(self.folder / "archive")
        try:
            archive = Archive(flash, 64 << 20, b"notmade!")
            records: dict[int, Row | Missed | Event] = {}
            while len(records) < archive.next_sequence - 1:
                span = archive.read(len(records) + 1, Limits(2**53, 10**6, 1 << 30))
                assert span is not None and not span.lost
                for record in (*span.rows, *span.missed, *span.events):
                    records[record.sequence] = record
            return records
        finally:
            flash.close()


@pytest.fixture
def cabinet(tmp_path: Path, broker: Broker, wire: Wire) -> Iterator[Cabinet]:
    made = Cabinet(tmp_path, broker, wire)
    yield made
    made.kill()


@pytest.fixture
def head_end(broker: Broker, cabinet: Cabinet) -> Iterator[HeadEnd]:
    made = HeadEnd(broker, cabinet.keys())
    yield made
    made.close()


def end(process: "subprocess.Popen[bytes]", number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    return process.wait(END_S)


def test_every_accepted_record_arrives_and_none_is_invented_however_often_it_is_killed(
        cabinet: Cabinet, head_end: HeadEnd, wire: Wire) -> None:
    meters, dice = CountingMeters(wire), random.Random(7)
    head_end.answers = lambda number: number % 3 != 0
    for _ in range(KILLS):
        process = cabinet.start()
        meters.wait_for(more=dice.randrange(1, 25))
        process.kill()
        process.wait()
    cabinet.configure(period_s=86400)
    head_end.answers = lambda number: True
    before = max(cabinet.archived())
    process = cabinet.start()
    head_end.wait_for(lambda h: max(started_at(h), default=0) > before and has_no_gap(h))
    assert end(process) == 0
    assert head_end.mistakes == [] and head_end.lost == []
    assert cabinet.archived() == head_end.committed
    assert len(head_end.incarnations) == 1
    rows = [record for record in head_end.committed.values() if type(record) is Row]
    assert len(rows) > KILLS
    for row in rows:                       # 1-0:1.8.0 in Wh; the meter says kWh.
        assert row.values[0] is not None and row.values[0] // 1000 in meters.said
    assert len({(row.meter, row.captured_at_s, row.values) for row in rows}) == len(rows)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_with_everything_archived_even_when_it_was_ignored_before(
        cabinet: Cabinet, wire: Wire, number: int) -> None:
    meters = CountingMeters(wire)
    before = signal.signal(number, signal.SIG_IGN)   # As a shell does for its background jobs.
    try:
        process = cabinet.start()
    finally:
        signal.signal(number, before)
    meters.wait_for(more=10)
    assert end(process, number) == 0
    rows = [record for record in cabinet.archived().values() if type(record) is Row]
    assert len(rows) >= 1 and "ended: 3 meters" in cabinet.log()


def test_a_broker_that_is_away_costs_nothing_but_time(
        cabinet: Cabinet, broker: Broker, wire: Wire) -> None:
    meters = CountingMeters(wire)
    broker.kill()
    process = cabinet.start()
    meters.wait_for(more=30)
    broker.start()
    head_end = HeadEnd(broker, cabinet.keys())
    head_end.wait_for(lambda h: len(h.committed) > 6 and has_no_gap(h))
    assert end(process) == 0
    assert head_end.mistakes == []
    head_end.close()
    assert "no connection: Connection refused" in cabinet.log()


def test_a_second_agent_on_the_same_archive_or_keys_is_refused(
        cabinet: Cabinet, wire: Wire) -> None:
    meters = CountingMeters(wire)
    process = cabinet.start()
    meters.wait_for(more=1)
    for change in (("", ""), ('archive = "archive"', 'archive = "another"')):
        written = (cabinet.folder / "edge.toml").read_text()
        (cabinet.folder / "edge.toml").write_text(written.replace(*change))
        assert cabinet.start().wait(PATIENCE_S) == 1
    assert cabinet.log().count("in use by another process") == 2
    assert end(process) == 0


def test_keys_that_others_may_read_are_refused_with_what_to_do(cabinet: Cabinet) -> None:
    (cabinet.folder / "keys" / "uplink.key").chmod(0o644)
    assert cabinet.start().wait(PATIENCE_S) == 1
    assert "run `chmod 600" in cabinet.log()


def test_an_archive_folder_that_cannot_be_made_is_refused_with_a_sentence(
        cabinet: Cabinet) -> None:
    (cabinet.folder / "archive").write_text("a file is in the way")
    assert cabinet.start().wait(PATIENCE_S) == 1
    assert "wum-edge: the archive in" in cabinet.log()
    assert "Traceback" not in cabinet.log()


def test_a_doubtful_counter_stops_sending_and_not_reading(
        cabinet: Cabinet, head_end: HeadEnd, wire: Wire) -> None:
    meters = CountingMeters(wire)
    process = cabinet.start()
    head_end.wait_for(lambda h: len(h.committed) > 3)
    end(process)
    damaged = list((cabinet.folder / "archive").glob("counter-*"))
    assert len(damaged) == 2
    for path in damaged:
        path.write_bytes(b"?" * 27)
    arrived = len(head_end.counters)
    process = cabinet.start()
    meters.wait_for(more=30)
    assert end(process) == 0
    assert len(head_end.counters) == arrived
    assert "wum-firmware provision, then wum-cloud register" in cabinet.log()
    kinds = [r.kind for r in cabinet.archived().values() if type(r) is Event]
    assert EVENT_COUNTER_DOUBTFUL in kinds
    assert max(cabinet.archived()) > max(head_end.committed)


def test_an_emptied_card_begins_elsewhere_though_the_clock_shows_the_same_moment(
        cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the first messages of both cards would be sealed under the same counters."""
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.0)
    path = cabinet.folder / "edge.toml"
    models = read_catalog()
    begun = set()
    for _ in range(3):
        gateway = run.open_gateway(
            configured(path, protocols(models)), models, threading.Event(),
            order_desk.Recent())
        assert gateway.agent._delivery is not None
        begun.add(gateway.agent._delivery._counter.take())
        gateway.flash.close()
        for lock in gateway.locks:
            os.close(lock)
        shutil.rmtree(cabinet.folder / "archive")
    assert len(begun) == 3


def test_who_has_no_trust_document_says_once_that_no_order_is_taken(
        cabinet: Cabinet, caplog: pytest.LogCaptureFixture) -> None:
    path, models = cabinet.folder / "edge.toml", read_catalog()
    gateway = run.open_gateway(
        configured(path, protocols(models)), models, threading.Event(), order_desk.Recent())
    gateway.agent.hear(ORDER, bytes(64))
    gateway.agent.hear(ORDER, bytes(64))
    told = [one.getMessage() for one in caplog.records if "an order came" in one.getMessage()]
    assert len(told) == 1 and "--trust-to" in told[0]
    gateway.flash.close()
    for lock in gateway.locks:
        os.close(lock)


def test_no_secret_is_in_the_log(cabinet: Cabinet, head_end: HeadEnd, wire: Wire) -> None:
    CountingMeters(wire)
    process = cabinet.start()
    head_end.wait_for(lambda h: len(h.committed) > 3)
    assert end(process) == 0
    for name in ("uplink.key", "downlink.key", "broker.password"):
        for secret in (cabinet.folder / "keys" / name).read_text().split():
            assert secret not in cabinet.log()
