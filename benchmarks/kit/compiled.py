"""The mesh's benchmark with its relay and its air compiled, for runs that take hours.

`python -m kit.compiled FOLDER` copies what benchmarks/mesh.py needs to a new folder and compiles
the relay and the simulated air there with mypyc, in two minutes: the same figures, sooner. Then, in
that folder, `python mesh.py --results FILE`. Left out: the other families (mesh_peers.py), which
stay as they are.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from kit.mesh_pieces import COMMIT, commit_of

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("edge/wum_edge", "simulator/wum_simulator", "shared/wum_shared", "benchmarks")
_COMPILED = ("wum_edge/mesh/*.py", "wum_simulator/radio/*.py", "wum_simulator/world.py",
             "wum_shared/bundle.py")
_RECORD = re.compile(r'class (\w+)\(namedtuple\("\w+", \([^()]*\)\)\):\n')
_SETUP = """
from mypyc.build import mypycify
from setuptools import setup
setup(name="compiled", packages=[], ext_modules=mypycify(
    ["--follow-imports=silent", "--explicit-package-bases", "--ignore-missing-imports",
     "--disable-error-code=arg-type", *{paths}], opt_level="2"))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where there is nothing yet")
    folder: Path = parser.parse_args().folder
    if folder.exists():
        parser.error(f"{folder} is there already: name a new folder")
    for package in _PACKAGES:
        whither = folder if package == "benchmarks" else folder / Path(package).name
        shutil.copytree(ROOT / package, whither, dirs_exist_ok=True)
    paths = sorted(path.relative_to(folder) for pattern in _COMPILED
                   for path in folder.glob(pattern) if path.name[:2] != "__")
    for path in paths:
        text = (folder / path).read_text(encoding="utf-8")
        (folder / path).write_text(compilable(text), encoding="utf-8")
    (folder / COMMIT).write_text(commit_of(ROOT), encoding="utf-8")
    (folder / "setup.py").write_text(_SETUP.format(paths=[str(path) for path in paths]))
    done = subprocess.run([sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
                          cwd=folder, check=False)
    sys.exit(done.returncode)


def compilable(text: str) -> str:
    """Records that MicroPython can have, as mypyc knows them."""
    if not _RECORD.search(text):
        return text
    first, *rest = _RECORD.split(text)
    classes = "".join(
        f"class {name}(NamedTuple):\n" + body.replace("    __slots__ = ()\n", "", 1)
        for name, body in zip(rest[::2], rest[1::2], strict=True))
    found = first.replace("from collections import namedtuple", "from typing import NamedTuple")
    return found + classes


if __name__ == "__main__":
    main()
