"""The real gateway under the real launcher: from the factory to a slot and back, nothing lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

import wum_edge
import wum_shared
from tests.ports.headend import HeadEnd
from tests.ports.test_run import Cabinet, CountingMeters
from tests.ports.test_update_part import SEED, trust
from tests.ports.wire import Wire
from tests.services.broker import Broker
from wum_edge.ports.linux.slot_flash import SlotFlash
from wum_edge.update import boot, slots
from wum_shared import bundle
from wum_shared.batch import Event
from wum_shared.status import EVENT_STARTED


def whole_release() -> bytes:
    """Everything that the workbench puts into a release for Linux, from these sources."""
    found = []
    for package in (wum_edge, wum_shared):
        root = Path(str(package.__file__)).parent
        found += [(f"{root.name}/{path.relative_to(root)}", path.read_bytes(), bundle.PLAIN)
                  for path in root.rglob("*")
                  if path.suffix in (".py", ".json", ".txt", ".cddl") and "micropython" not in
                  path.parts]
    return bundle.content_of(found)


def put_on_trial(folder: Path, data: bytes) -> None:
    """The release stands in slot a, as the updater leaves it, and is on trial."""
    flash = SlotFlash(folder)
    end = at = bundle.table_size(data)
    assert end is not None and at is not None
    for file in bundle.decode_head(data[:end]):
        path = folder / "a" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data[at:at + file.size])
        at += file.size
    flash.replace(slots.table_name(boot.A), data[:end])
    boot.keep_boot(flash, boot.read_boot(flash).armed(7, sha256(data).digest(), 0))


class Launched(Cabinet):
    """A cabinet whose gateway a launcher starts."""

    def start(self) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "wum_edge.ports.linux.launcher",
                 str(self.folder / "update"), "run", "--config", str(self.folder / "edge.toml")],
                stdin=subprocess.DEVNULL, stderr=log, stdout=log, env=dict(os.environ))
        self._processes.append(process)
        return process


@pytest.fixture
def cabinet(tmp_path: Path, broker: Broker, wire: Wire) -> Iterator[Launched]:
    made = Launched(tmp_path, broker, wire)
    (tmp_path / "keys" / "identity.key").write_text(SEED.hex())
    (tmp_path / "keys" / "identity.key").chmod(0o600)
    trust(tmp_path / "keys")
    yield made
    made.kill()


def started(committed: dict[int, object]) -> list[str]:
    """What each start said of itself."""
    return [record.note.split(":")[0] for _, record in sorted(committed.items())
            if isinstance(record, Event) and record.kind == EVENT_STARTED]


def test_readings_go_on_from_the_factory_through_a_trial_and_back(
        cabinet: Launched, broker: Broker, wire: Wire) -> None:
    meters = CountingMeters(wire)
    head_end = HeadEnd(broker, cabinet.keys())
    try:
        for trial in (False, True, False):
            flash = SlotFlash(cabinet.folder / "update")
            if trial:
                put_on_trial(cabinet.folder / "update", whole_release())
            elif boot.read_boot(flash).trial is not None:
                boot.keep_boot(flash, boot.read_boot(flash).given_up(boot.NO_HEADEND))
            process = cabinet.start()
            meters.wait_for(4)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, cabinet.log()
            if trial:
                kept = boot.read_boot(flash)
                assert (kept.trial, kept.tries, kept.floor) == (boot.A, boot.TRIES - 1, 0)
        records = cabinet.archived()
        assert started(dict(records)) == [
            "wum-edge release 0 in slot factory", "wum-edge release 7 in slot a",
            "wum-edge release 0 in slot factory"]
        assert sorted(records) == list(range(1, len(records) + 1))
        assert not head_end.mistakes
    finally:
        head_end.close()
