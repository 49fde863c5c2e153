"""What is frozen into a firmware: everything that a board runs, and nothing of Linux."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def frozen(monkeypatch):
    """(included manifests, files by their place on the board), as MicroPython's build runs it."""
    monkeypatch.chdir(ROOT / "edge")                 # As `include` of that build does.
    included, files = [], {}
    exec(compile(Path("manifest.py").read_text(), "manifest.py", "exec"), {
        "include": included.append,
        "module": lambda name, base_path=".", opt=None: files.update(
            {name: Path(base_path, name).resolve()})})
    return included, files


def test_everything_a_board_runs_is_frozen_and_nothing_else(monkeypatch):
    included, files = frozen(monkeypatch)
    assert included == ["$(PORT_DIR)/boards/manifest.py"]
    wanted = {str(path.relative_to(ROOT / room)) for room in ("shared", "edge")
              for path in (ROOT / room).glob("wum_*/**/*.py") if "linux" not in path.parts}
    assert len(wanted) > 150 and "wum_edge/ports/micropython/chacha_viper.py" in wanted
    assert wanted < set(files)
    assert all(name.startswith("wum_edge/room_") for name in set(files) - wanted)
    assert all(path.is_file() for path in files.values())
