"""Which account runs the database, and where its files may lie: PostgreSQL refuses root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.errors import NoAccount

# Present on every Debian-like system; the first that exists runs the server when we are root.
_UNPRIVILEGED = ("nobody", "daemon", "postgres")
# Where root puts what the account must reach when the project lies where only root may enter.
_SHELTER = "/var/lib/wum"


@dataclass(frozen=True, slots=True)
class Account:
    """An account that runs the database server: ours, or one that root steps down to."""

    uid: int
    gid: int
    is_ours: bool

    def steps_down(self) -> dict[str, Any]:
        """Arguments for subprocess that run a command as this account."""
        if self.is_ours:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def owns(self, path: Path) -> None:
        """Give `path` to this account."""
        if not self.is_ours:
            os.chown(path, self.uid, self.gid)

    def may_enter(self, folder: Path) -> bool:
        """Whether this account can reach `folder`, tried rather than reckoned from mode bits."""
        if self.is_ours:
            return True
        tried = subprocess.run(
            ["/bin/sh", "-c", 'cd "$0"', str(folder)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            **self.steps_down(),
        )
        return tried.returncode == 0

    def __str__(self) -> str:
        return "-" if self.is_ours else f"{self.uid}:{self.gid}"


def account_for(data: Path) -> Account:
    """Who runs the server over `data`: we, or for root the data's owner or an unprivileged one.

    Raises NoAccount when the data belongs to somebody else.
    """
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise NoAccount(f"{data} belongs to uid {owner}: start as that user, or as root")
        return Account(os.geteuid(), os.getegid(), is_ours=True)
    if owner:
        return Account(owner, data.stat().st_gid, is_ours=False)
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, is_ours=False)
    raise NoAccount("no unprivileged account: wanted one of " + ", ".join(_UNPRIVILEGED))


def shelter() -> Path:
    """The folder that all may enter and root writes, for what lies out of reach otherwise."""
    place = Path(os.environ.get("WUM_SHELTER", _SHELTER))
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    return place


def copied_once(name: str, sources: list[Path]) -> Path:
    """A copy of `sources` in the shelter that every account can read; made once for each `name`."""
    place = shelter() / name
    if place.is_dir():
        return place
    draft = shelter() / f"{name}.draft-{os.getpid()}"
    for source in sources:
        shutil.copytree(source, draft / source.relative_to(sources[0].parent.parent), symlinks=True)
    for path in [draft, *draft.rglob("*")]:  # The source may be for its owner's eyes only.
        if not path.is_symlink():
            may_run = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if may_run else 0o644)
    try:
        draft.rename(place)
    except OSError:  # Another start was first: its copy is as good.
        shutil.rmtree(draft)
    return place
