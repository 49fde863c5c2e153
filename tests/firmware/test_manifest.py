"""What is frozen into a firmware: everything that a board runs, and nothing of Linux."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def frozen(monkeypatch):
    """(included manifests, files by their place on the board), as MicroPython's build runs it."""
    monkeypatch.chdir(ROOT / "edge")                 # As `include` of that build does.
    included, packages = [], []
    exec(compile(Path("manifest.py").read_text(), "manifest.py", "exec"), {
        "include": included.append,
        "package": lambda name, files, base_path=".", opt=None: packages.append(
            (name, files, base_path))})
    return included, {os.path.join(name, file): Path(base, name, file).resolve()
                      for name, files, base in packages for file in files}


def test_everything_a_board_runs_is_frozen_and_nothing_else(monkeypatch):
    included, files = frozen(monkeypatch)
    assert included == ["$(PORT_DIR)/boards/manifest.py"]
    wanted = {str(path.relative_to(ROOT / room)) for room in ("shared", "edge")
              for path in (ROOT / room).glob("wum_*/**/*.py") if "linux" not in path.parts}
    assert len(wanted) > 150 and "wum_edge/ports/micropython/chacha_viper.py" in wanted
    assert set(files) == wanted
    assert all(path.is_file() for path in files.values())
