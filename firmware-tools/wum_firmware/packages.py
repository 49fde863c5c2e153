"""What a gateway on Linux needs beside our own code: `edge/packages.toml` of a commit.

`make lock` writes it (demo/make_packages.py), every package with those that it needs itself. Left
out: what another kind of machine or a later Python would need besides.
"""

import tomllib
from dataclasses import dataclass

PATH = "edge/packages.toml"


@dataclass(frozen=True, slots=True)
class Package:
    """A package of somebody else. `licence`: an expression of SPDX; `needs`: names of others."""

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]


def read(written: str) -> list[Package]:
    """What such a file says. Raises ValueError."""
    try:
        return [Package(str(one["name"]), str(one["version"]), str(one["licence"]),
                        tuple(map(str, one["needs"])))
                for one in tomllib.loads(written)["package"]]
    except (KeyError, TypeError) as wrong:
        raise ValueError(f"{PATH}: {wrong!r}") from wrong
