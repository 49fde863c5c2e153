"""The port of the boards against an ESP32's own modules: pyright, with micropython-esp32-stubs.

usage: python tests/board_types.py

What a board's firmware has and how it is called (machine, network, asyncio, time ...) is checked.
The port carries no annotations, so that what is None at first is not looked at. The stubs replace
CPython's, so they stand in an environment without mypy. Left out: native code, whose pointers no
type checker knows.
"""

import importlib.metadata
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PORT = ROOT / "edge" / "wum_edge" / "ports"
STUBS = "micropython-esp32-stubs"
NATIVE = "_viper.py"            # So end the names of native code.
# What is None until it is there: without annotations it is never anything else.
NOT_ASKED = ("reportOptionalMemberAccess", "reportOptionalSubscript", "reportOptionalOperand",
             "reportOptionalIterable", "reportOptionalCall")
# Of micropython-lib: installed beside the port where there is a radio, no part of a firmware.
NO_STUBS = ("lora",)
_TIMEOUT_S = 600


def settings(stubs: Path) -> dict[str, object]:
    """pyright's configuration, with the stubs in `stubs`."""
    return {
        "include": ["port"], "exclude": [f"**/*{NATIVE}"],
        "extraPaths": [str(ROOT / "shared"), str(ROOT / "edge")],
        "stubPath": str(stubs), "typeshedPath": str(stubs), "pythonVersion": "3.11",
        "typeCheckingMode": "standard", "reportMissingModuleSource": "none",
        **dict.fromkeys(NOT_ASKED, "none")}


def faults(files: dict[str, str]) -> list[str]:
    """What pyright says of these texts, by name of the file."""
    stubs = Path(str(importlib.metadata.distribution(STUBS).locate_file("")))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "port").mkdir()
        for file, text in files.items():
            (folder / "port" / file).write_text(text)
        (folder / "pyrightconfig.json").write_text(json.dumps(settings(stubs)))
        done = subprocess.run(
            [sys.executable, "-m", "pyright", "--outputjson"], cwd=folder, capture_output=True,
            text=True, timeout=_TIMEOUT_S, check=False)
        try:
            said = json.loads(done.stdout)
        except ValueError:
            raise SystemExit(f"pyright did not run:\n{done.stdout}{done.stderr}") from None
        if said["summary"]["filesAnalyzed"] < len(files):
            raise SystemExit(f"pyright looked at too few files: {said['summary']}")
        return [f"{Path(one['file']).name}:{one['range']['start']['line'] + 1}: {one['message']}"
                for one in said["generalDiagnostics"] if one["severity"] == "error"
                and not any(one["message"].startswith(f'Import "{name}" could not') for name in
                            NO_STUBS)]


def main() -> int:
    """The exit code: 1 where a call does not fit, or where nothing would be noticed."""
    files = {path.name: path.read_text() for path in sorted((PORT / "micropython").glob("*.py"))
             if not path.name.endswith(NATIVE)}
    planted = {"planted.py": "import machine\nimport time\nmachine.UART(1, baud=9600)\n"
                             "machine.Pin(4).set(1)\ntime.time_of_day()\n"}
    noticed = faults(planted)
    if len(noticed) < 3:
        print(f"of three planted faults pyright noticed {noticed}: the stubs are not used")
        return 1
    found = faults(files)
    print("\n".join(found) if found else
          f"{len(files)} files of the board's port call what an ESP32 has")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
