"""`wum-edge reset`: factory settings, for a concentrator that changes hands.

Keys, identity, archive and whatever the head-end ordered are overwritten and deleted. What stays:
the program with its slots, whose releases it takes, and the counters of ciphered meters, which are
no secret and must not begin anew under the same keys. Left out: the configuration's own file, which
people wrote; and what a flash card keeps of blocks that were overwritten.
"""

import contextlib
import os
from pathlib import Path
from typing import TextIO

from wum_edge.archive.ring import Archive
from wum_edge.ports.linux import dlms_supply, release_trust
from wum_edge.ports.linux.chance import new_incarnation
from wum_edge.ports.linux.claiming import CONCENTRATOR, shred
from wum_edge.ports.linux.config_file import folders_of
from wum_edge.ports.linux.flash import FolderInUse, LinuxFlash, lock_folder
from wum_edge.ports.linux.keys import BadKeys, read_keys
from wum_shared.ids import id_to_text

DONE, NOT_DONE = 0, 1
STAYS = (dlms_supply.FILE_NAME, release_trust.NAME)
_LIMIT_BYTES = 2**40        # Nothing is written: any limit will do.


def reset(path: Path, out: TextIO, *, is_sure: bool = False, gives_up: bool = False) -> int:
    """Wipe what the configuration at `path` names; the exit code.

    Without `is_sure` it says what would go. Readings that the head-end does not have are wiped
    with `gives_up` alone. Raises BadConfigFile, OSError.
    """
    keys, archive, kept = folders_of(path)
    try:
        with contextlib.ExitStack() as held:
            flash = LinuxFlash(archive)
            held.callback(flash.close)
            held.callback(os.close, lock_folder(keys))
            waiting, who = _waiting(flash), _called(keys)
            print(f"{who}: {waiting or 'no'} records wait for the head-end in {archive}.", file=out)
            if not is_sure:
                print(f"This would wipe {keys} and {archive}, for ever: say --sure.", file=out)
                return NOT_DONE
            if waiting and not gives_up:
                print("They would be lost: let the gateway deliver them first, or say "
                      "--give-up-readings.", file=out)
                return NOT_DONE
            # The archive first: whoever claims a box that lost its power meanwhile must not be
            # sent what was read for somebody else.
            _wipe(archive, frozenset())
            _wipe(keys, frozenset({keys / name for name in STAYS} | kept))
    except FolderInUse as error:
        print(f"{error}: stop the gateway first (systemctl stop wum-edge).", file=out)
        return NOT_DONE
    print(f"Wiped. {who} is no more: revoke it at the head-end. `wum-edge claim --keys {keys}` "
          f"makes a new concentrator. {path} still stands here, with what it says of meters and "
          "their passwords: delete it, and let the system forget its log (journalctl).", file=out)
    return DONE


def _waiting(flash: LinuxFlash) -> int | str:
    """Records that no head-end has, as far as anybody can tell."""
    if not flash.names():
        return 0
    try:
        return Archive(flash, _LIMIT_BYTES, new_incarnation()).backlog
    except (OSError, AssertionError, ValueError) as error:
        return f"an archive that cannot be read ({error}), and nobody knows how many"


def _called(keys: Path) -> str:
    try:
        return "Concentrator " + id_to_text(read_keys(keys).keys.concentrator)
    except BadKeys:
        return "A concentrator that is not enrolled" if not (
            keys / CONCENTRATOR).exists() else "A concentrator with damaged keys"


def _wipe(folder: Path, stays: frozenset[Path]) -> None:
    """Everything in it, the deepest first, but for what stays."""
    for place, folders, files in os.walk(folder, topdown=False):
        for name in files:
            if Path(place) / name not in stays:
                shred(Path(place) / name)
        for name in folders:
            found = Path(place) / name
            if found.is_symlink() or not any(one.is_relative_to(found) for one in stays):
                found.unlink() if found.is_symlink() else found.rmdir()
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
