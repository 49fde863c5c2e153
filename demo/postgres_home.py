"""Where a server's data lie: in the folder itself, or in the shelter when out of its reach.

As root the server runs as an unprivileged account. Below a folder that only root may enter (a
home, a private temporary folder) that account reaches nothing, so the data get a home in the
shelter, and two notes keep the pair together: FOLDER/home names the home, HOME/belongs-to names
the folder. A home whose folder no longer names it is nobody's, and goes at the next start.
"""

import contextlib
import secrets
import shutil
import time
from pathlib import Path

from demo.accounts import Account, account_for, shelter
from demo.errors import NoHome
from demo.postgres_process import end, running

_PREFIX, _DRAFT = "postgres-", "draft-"
_DRAFT_S = 3600  # A start is done with its draft in a moment.


def home_for(folder: Path) -> Path:
    """The home of the data of `folder`; made when there is none. Raises NoHome, NoAccount."""
    note = folder / "home"
    with contextlib.suppress(FileNotFoundError):
        home = Path(note.read_text())
        if home.is_dir():
            return home
    account = account_for(folder / "data")
    if account.may_enter(folder):
        return folder
    try:
        _remove_homeless()
        home = _new_home(folder, account)
    except OSError as error:
        raise NoHome(
            f"the account that runs PostgreSQL cannot enter {folder}, and there is no place "
            f"beside it: {error}; name one in WUM_SHELTER"
        ) from error
    return home


def _new_home(folder: Path, account: Account) -> Path:
    name = secrets.token_hex(6)
    draft, home = shelter() / f"{_DRAFT}{name}", shelter() / f"{_PREFIX}{name}"
    try:
        draft.mkdir(mode=0o700)
        account.owns(draft)
        (draft / "belongs-to").write_text(str(folder))
        (folder / "home").write_text(str(home))
        draft.rename(home)  # Last: a home that can be seen is one that its folder names.
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return home


def forget_home(folder: Path) -> None:
    """Remove the data of `folder`, wherever they lie. The server must have ended."""
    note = folder / "home"
    if note.exists():
        shutil.rmtree(note.read_text(), ignore_errors=True)
        note.unlink()
    shutil.rmtree(folder / "data", ignore_errors=True)


def _remove_homeless() -> None:
    for draft in shelter().glob(f"{_DRAFT}*"):
        if time.time() - draft.stat().st_mtime > _DRAFT_S:
            shutil.rmtree(draft, ignore_errors=True)  # The start that made it was killed.
    for home in shelter().glob(f"{_PREFIX}*"):
        if _is_owned(home):
            continue
        orphan = running(home / "data")  # It has no owner left who could stop it.
        if orphan:
            end(orphan)
        shutil.rmtree(home, ignore_errors=True)


def _is_owned(home: Path) -> bool:
    """Whether the folder that it belongs to is there and says so too."""
    try:
        folder = Path((home / "belongs-to").read_text())
        return Path((folder / "home").read_text()) == home
    except FileNotFoundError:
        return False  # Its folder is gone, or the start that made it was killed.
