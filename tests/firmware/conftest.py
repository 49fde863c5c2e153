"""A repository with the project's own sources, and keys that are quick to open."""

import shutil
import subprocess
from pathlib import Path

import pytest
from nacl import pwhash

from wum_firmware import release_keys
from wum_firmware.release_keys import ReleaseKey, Strength

ROOT = Path(__file__).resolve().parent.parent.parent
PASSPHRASE = "six words that dice have chosen"
QUICK = Strength(pwhash.argon2id.OPSLIMIT_MIN, pwhash.argon2id.MEMLIMIT_MIN)
_HELD = ("shared/wum_shared", "edge/wum_edge", "edge/pyproject.toml", "edge/packages.toml",
         "LICENSE")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
        check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources as one commit."""
    folder = tmp_path_factory.mktemp("repository")
    for name in _HELD:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    return folder


def key(folder: Path, name: str) -> ReleaseKey:
    release_keys.make(folder, name, PASSPHRASE, QUICK)
    return release_keys.unlock(folder / f"{name}.key", PASSPHRASE)
