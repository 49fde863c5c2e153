"""Writes edge/packages.toml: all that a gateway on Linux needs beside our own code.

    python -m demo.make_packages wum-edge[gpio,linux] > edge/packages.toml

`make lock` calls it, with what the lock has installed, so that a release of a commit can tell what
it runs with without asking anybody (wum_firmware/sbom.py).
"""

import importlib.metadata
import json
import sys
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_OURS = "wum-"
_CLASSIFIER = "License :: OSI Approved :: "
# Classifiers and short texts that say clearly which licence of SPDX's list is meant.
_SPDX = {
    "MIT License": "MIT", "MIT": "MIT", "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause", "BSD": "BSD-3-Clause", "Apache License 2.0": "Apache-2.0",
    "Apache-2.0 OR BSD-3-Clause": "Apache-2.0 OR BSD-3-Clause",
    "EPL-2.0 OR BSD-3-Clause": "EPL-2.0 OR BSD-3-Clause",
}


@dataclass(frozen=True, slots=True)
class Package:
    """A package of somebody else. `licence`: an expression of SPDX; `needs`: names of others."""

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]


def closure(requirement: str) -> list[Package]:
    """All that is installed here because of `requirement`, by name.

    Raises importlib.metadata.PackageNotFoundError, ValueError where a licence is not told.
    """
    found: dict[str, Package] = {}
    ahead = [Requirement(requirement)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while ahead:
        one = ahead.pop()
        name = canonicalize_name(one.name)
        if (name, frozenset(one.extras)) in seen:
            continue
        seen.add((name, frozenset(one.extras)))
        needs = [each for each in map(Requirement, importlib.metadata.requires(name) or [])
                 if each.marker is None or any(
                     each.marker.evaluate({"extra": extra}) for extra in ("", *one.extras))]
        ahead += needs
        if not name.startswith(_OURS):
            found[name] = Package(
                name, importlib.metadata.version(name), licence_of(name),
                tuple(sorted({canonicalize_name(each.name) for each in needs})))
    return [found[name] for name in sorted(found)]


def licence_of(name: str) -> str:
    """What an installed package says of its licence, as SPDX calls it. Raises ValueError."""
    about = importlib.metadata.metadata(name)
    expression = about["License-Expression"]
    if expression:
        return str(expression)
    said = [str(one).removeprefix(_CLASSIFIER) for one in about.get_all("Classifier") or []
            if str(one).startswith(_CLASSIFIER)] + [str(about["License"] or "").strip()]
    for one in reversed(said):            # What it says itself is more exact than a classifier.
        if one in _SPDX:
            return _SPDX[one]
    raise ValueError(f"{name} says {said}; wanted an expression of SPDX: see it there, and teach "
                     "make_packages.py")


def text(requirement: str, packages: list[Package]) -> str:
    """The file."""
    lines = [f"# Made by `make lock`: what {requirement} needs beside our own code.", ""]
    for one in packages:
        lines += ["[[package]]", *[f"{key} = {json.dumps(value)}" for key, value in (
            ("name", one.name), ("version", one.version), ("licence", one.licence),
            ("needs", list(one.needs)))], ""]
    return "\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    print(text(sys.argv[1], closure(sys.argv[1])), end="")
