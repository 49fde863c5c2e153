"""Releases for people to play with: one that is better, and one that crashes at its start.

Made as any other: two commits on top of the one that is checked out, in a copy of the repository,
built and signed by `wum-firmware` with a key that is thrown away with the folder. So what comes to
the gateways is the real program, but for its version, and for one line.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Step = Callable[[str, list[str]], object]

KEY, TRUST = "demo", "release-trust.json"
_AUTHOR = ("-c", "user.name=demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false")
_PROJECT, _START = "edge/pyproject.toml", "edge/wum_edge/ports/linux/__main__.py"
_CRASH = '\nraise SystemExit("this release was made to crash")\n'


@dataclass(frozen=True, slots=True)
class Kind:
    """A release of the demo; `change` is added to the gateway's first file, `start`."""

    name: str
    sequence: int
    version: str
    change: str = ""
    start: str = _START


BETTER = Kind("better", 1, "1.1.0")
CRASHING = Kind("crashing", 2, "1.2.0", _CRASH)
CRASHING_BOARD = Kind("crashing", 2, "1.2.0", _CRASH, "edge/wum_edge/ports/micropython/main.py")


def prepare(folder: Path, repository: Path, step: Step, kinds: Sequence[Kind] = (BETTER, CRASHING),
            target: str = "linux") -> Path:
    """Make key, trust and releases in `folder`, which is new; the file that says who is trusted.

    `step` runs a command line with a title, and raises what ends it.
    """
    folder.mkdir(mode=0o700, parents=True)
    passphrase, source = folder / "passphrase", folder / "source"
    passphrase.touch(0o600)
    passphrase.write_text(secrets.token_hex(16) + "\n")
    step("releases: a key to sign them, for this demo alone", [
        "wum-firmware", "keys", "make", KEY, "--out", str(folder), "--passphrase-file",
        str(passphrase)])
    step("releases: whose are taken", [
        "wum-firmware", "trust", str(folder / (KEY + ".pub")), "--target", target,
        "--threshold", "1", "--out", str(folder / TRUST)])
    step("releases: a copy of the sources", [
        "git", "clone", "--quiet", "--shared", str(repository), str(source)])
    for kind in kinds:
        _build(folder, source, passphrase, step, kind, target)
    return folder / TRUST


def _build(folder: Path, source: Path, passphrase: Path, step: Step, kind: Kind,
           target: str) -> None:
    project = source / _PROJECT
    lines = project.read_text().splitlines()
    project.write_text("\n".join(
        [f'version = "{kind.version}"' if line.startswith("version = ") else line
         for line in lines]) + "\n")
    start = source / kind.start
    start.write_text(_after_docstring(start.read_text(), kind.change))
    step(f"releases: {kind.name}, {kind.version}", [
        "git", "-C", str(source), *_AUTHOR, "commit", "--quiet", "--all", "--message",
        f"A release that is {kind.name}."])
    out = str(folder / kind.name)
    step(f"releases: building {kind.version}", [
        "wum-firmware", "build", "--target", target, "--sequence", str(kind.sequence), "--out",
        out, "--repository", str(source)])
    step(f"releases: signing {kind.version}", [
        "wum-firmware", "sign", out, "--yes", "--key", str(folder / (KEY + ".key")),
        "--passphrase-file", str(passphrase)])


def _after_docstring(source: str, change: str) -> str:
    end = source.index('"""', 3) + 3
    return source[:end] + change + source[end:]
