"""A folder of secrets on disk: 0700, its files 0600, never half of an identity.

Left out: what the files hold (provision.py).
"""

import os
from pathlib import Path

from wum_firmware.provision import IDENTITY

FOLDER_MODE = 0o700
_PARENT_MODE = 0o755           # Whoever may write into a parent may put other keys in our place.
FILE_MODE = 0o600
_REPLACED = "replaced-"


class FolderRefused(Exception):
    """The folder cannot take an identity: the text says why and what would help."""


def check(folder: Path, names: frozenset[str], *, force: bool) -> None:
    """Refuse a folder that holds an identity already (unless `force`) or anything foreign.

    A foreign file shows that the folder is meant for something else: making a home folder
    0700 and leaving keys in it helps nobody. Raises FolderRefused, OSError.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise FolderRefused(f"{folder} is a file; wanted a folder that is empty or not there yet.")
    found = {entry.name for entry in folder.iterdir()}
    foreign = sorted(
        name for name in found if name not in names and not name.startswith(_REPLACED))
    if foreign:
        raise FolderRefused(
            f"{folder} holds {foreign[0]!r}, which is no part of an identity; "
            "choose a folder that is empty or not there yet.")
    if IDENTITY in found and not force:
        raise FolderRefused(
            f"{folder} holds an identity already. A second one makes this a different "
            "concentrator, which the head-end must register anew; --force does that and keeps "
            "the files of the first in a folder beside the new ones.")


def write(folder: Path, contents: dict[str, bytes]) -> Path | None:
    """Write `contents`, in their order, each durable before the next; the identity is the last.

    Files of an identity that is there are put aside first, into the folder that is returned.
    A run that was cut off leaves no identity, so the next run starts over. Raises OSError.
    """
    assert list(contents)[-1] == IDENTITY
    _make_folder(folder)
    aside = _put_aside(folder, list(contents))
    for name, content in contents.items():
        _write_file(folder / name, content)
    _sync_folder(folder)
    return aside


def _make_folder(folder: Path) -> None:
    for parent in reversed(folder.parents):
        if not parent.exists():
            parent.mkdir(mode=_PARENT_MODE)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    folder.chmod(FOLDER_MODE)


def _put_aside(folder: Path, names: list[str]) -> Path | None:
    if not (folder / IDENTITY).exists():
        return None
    number = 1
    while (aside := folder / f"{_REPLACED}{number}").exists():
        number += 1
    aside.mkdir(mode=FOLDER_MODE)
    aside.chmod(FOLDER_MODE)
    for name in reversed(names):
        if (folder / name).exists():
            (folder / name).rename(aside / name)
    _sync_folder(folder)
    return aside


def _write_file(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)  # What a run that was cut off has left.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, FILE_MODE)  # Whatever the umask took away.
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
