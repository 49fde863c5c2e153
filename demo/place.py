"""The folder `.demo/`: what lies where, who runs a demo there, and the parts it runs."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from demo.errors import AlreadyRunning


@dataclass(frozen=True, slots=True)
class Place:
    """Paths below one folder. Secrets are files 0600; logs hold the last run and the one before."""

    root: Path

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def broker(self) -> Path:
        return self.root / "broker"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def key_file(self) -> Path:
        return self.root / "head-end.key"

    @property
    def root_key(self) -> Path:
        return self.root / "root.key"

    @property
    def broker_password(self) -> Path:
        return self.root / "broker.password"

    @property
    def console_password(self) -> Path:
        return self.root / "console.password"

    @property
    def clock(self) -> Path:
        return self.root / "clock.json"

    @property
    def air_control(self) -> Path:
        return self.root / "air"

    @property
    def environment(self) -> Path:
        """What the parts were started with, for `make demo-update`."""
        return self.root / "environment.json"

    @property
    def parts(self) -> Path:
        return self.root / "parts.json"

    def cabinet(self, number: int) -> Path:
        return self.root / "street" / f"cabinet-{number}"

    def make(self) -> None:
        """Make the folders; passed through by everybody, listed and read by nobody else."""
        for folder in (self.root, self.logs, self.broker, self.root / "street"):
            if not folder.is_dir():
                folder.mkdir(parents=True)
                folder.chmod(0o711 if folder == self.root else 0o700)

    def claimed(self) -> TextIO:
        """Hold this folder until the returned file is closed, by us or by our death.

        Raises AlreadyRunning with the process id of who holds it.
        """
        claim = (self.root / "runner.pid").open("a+")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.seek(0)
            holder = claim.read().strip()
            claim.close()
            raise AlreadyRunning(f"a demo runs in {self.root} already (process {holder})") from None
        claim.truncate(0)
        claim.write(f"{os.getpid()}\n")
        claim.flush()
        return claim

    def write_parts(self, pids: dict[str, int]) -> None:
        """Note which process is which part, for `make demo-kill`."""
        draft = self.parts.with_suffix(".draft")
        draft.write_text(json.dumps(pids))
        draft.replace(self.parts)

    def read_parts(self) -> dict[str, int]:
        """The parts of the demo that runs here; empty when none does."""
        try:
            with self.claimed():
                return {}  # Nobody holds the folder, so what is noted is over.
        except AlreadyRunning:
            pids: dict[str, int] = json.loads(self.parts.read_text())
            return pids
        except FileNotFoundError:
            return {}


def write_secret(path: Path, text: str) -> None:
    """Write `path` whole, for its owner's eyes only from the first byte on."""
    draft = path.with_name(path.name + ".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
