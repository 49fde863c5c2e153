"""Wheels of the gateway, installed into an empty environment: what they bring is enough to run."""

import json
import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = ("shared", "edge", "cloud")


def _run(*words: str, **environment: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300,
                          env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Wheels of shared, edge and cloud; built of copies, so that nothing is left in the sources."""
    folder = tmp_path_factory.mktemp("wheels")
    made = {}
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *MEMBERS],
        cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    building = [subprocess.Popen(
        [sys.executable, "-m", "uv", "build", "--wheel", "--no-build-isolation", "--quiet",
         "--python", sys.executable, "--out-dir", str(folder), str(folder / member)])
        for member in MEMBERS]
    assert [one.wait(300) for one in building] == [0, 0, 0]
    for member in MEMBERS:
        made[member] = next(folder.glob("wum_%s-*.whl" % member))
    return made


def test_the_gateway_runs_from_its_wheels_alone(
        wheels: dict[str, Path], tmp_path: Path) -> None:
    venv.create(tmp_path, with_pip=False)
    python = str(tmp_path / "bin" / "python")
    _run(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python,
         str(wheels["shared"]), "wum-edge[linux,gpio] @ " + wheels["edge"].as_uri(),
         UV_CONSTRAINT=str(ROOT / "requirements.lock"))
    alone = {"PYTHONPATH": "", "PYTHONSAFEPATH": "1"}
    edge = str(tmp_path / "bin" / "wum-edge")
    assert _run(edge, "--version", **alone) == "wum-edge 0.1.0\n"
    assert "eastron-sdm630" in _run(edge, "catalog", "list", **alone)
    assert "slots and boot records" in _run(str(tmp_path / "bin" / "wum-launcher"), "--help",
                                            **alone)
    code = _run(edge, "claim", "--keys", str(tmp_path / "keys"), **alone)
    assert "█" in code or "▀" in code, "the code as a picture"
    assert _installed(python, alone) == _billed()
    where = _run(python, "-c", "import wum_edge, wum_shared; print(wum_edge.__file__)", **alone)
    assert where.startswith(str(tmp_path))


def _installed(python: str, alone: dict[str, str]) -> dict[str, str]:
    """What is there beside our own code: versions by name."""
    found = json.loads(_run(
        python, "-c", "import importlib.metadata as m, json; print(json.dumps({"
        "one.name.lower(): one.version for one in m.distributions()}))", **alone))
    return {name: version for name, version in found.items() if not name.startswith("wum-")}


def _billed() -> dict[str, str]:
    """What a release's bill of materials says that it runs with (edge/packages.toml)."""
    listed = tomllib.loads((ROOT / "edge" / "packages.toml").read_text())["package"]
    return {one["name"]: one["version"] for one in listed}


def test_the_head_end_s_wheel_holds_tables_and_pages(wheels: dict[str, Path]) -> None:
    held = set(zipfile.ZipFile(wheels["cloud"]).namelist())
    for folder, ending in (("migrations", ".sql"), ("web", ".html"), ("web", ".css")):
        there = {str(path.relative_to(ROOT / "cloud")) for path in
                 (ROOT / "cloud" / "wum_cloud" / folder).rglob("*" + ending)
                 if "vendor" not in path.parts}
        assert there
        assert there <= held, there - held
