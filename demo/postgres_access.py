"""How to reach an embedded server: its port and the password made for it."""

import json
from dataclasses import dataclass
from pathlib import Path

from demo.errors import PostgresFailed
from demo.place import write_secret

USER = DATABASE = "wum"
_FILE = "access.json"


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """Kept in FOLDER/access.json, for its owner's eyes only. Its repr shows no password."""

    port: int
    password: str

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"


def read_access(folder: Path) -> Access:
    """Access to the server over `folder`. Raises PostgresFailed when it was removed."""
    path = folder / _FILE
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        raise PostgresFailed(f"{path} is missing, and the data need its password") from None
    return Access(kept["port"], kept["password"])


def write_access(folder: Path, access: Access) -> None:
    """Keep `access` for the next start, and its URL for a person."""
    kept = {"port": access.port, "password": access.password, "url": access.url}
    write_secret(folder / _FILE, json.dumps(kept))
