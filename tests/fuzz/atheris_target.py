"""One target under atheris; run.py starts it. Needs what tests/fuzz/requirements.txt names.

usage: python tests/fuzz/atheris_target.py NAME [CORPUS FOLDER ...] [LIBFUZZER OPTIONS]
"""

import importlib
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))


def main(arguments: list[str]) -> None:
    """Fuzz until told to end; libFuzzer ends the process."""
    with atheris.instrument_imports(include=["wum_edge", "wum_shared", "tests.fuzz.targets"]):
        target = importlib.import_module(f"tests.fuzz.targets.{arguments[1]}")
    atheris.Setup([arguments[0], *arguments[2:]], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
