"""Run every benchmark of the folder above and write what they say into RESULTS.md.

With --quick nothing is written: a quick run is for seeing that they work. A benchmark that fails
or misses a goal is named, and the exit code is 1.
"""

import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from kit.figures import arguments, rounded

FOLDER = Path(__file__).resolve().parent.parent
RESULTS = FOLDER / "RESULTS.md"
TIMEOUT_S = 3600


def main() -> None:
    """Run all, one after the other."""
    quick = arguments(__doc__ or "").quick
    sections, failed = [], []
    for path in sorted(FOLDER.glob("*.py")):
        print(f"== {path.stem}", flush=True)
        answer = _run(path, quick)
        if answer is None:
            failed.append(f"{path.stem} failed")
            continue
        failed += [f"{path.stem}: {f['name']} misses its goal, {f['goal']}"
                   for f in answer["figures"] if f["met"] is False]
        sections.append(_section(path.stem, answer["figures"]))
    if not quick:
        RESULTS.write_text(_heading() + "".join(sections), encoding="utf-8")
        print(f"written to {RESULTS}")
    if failed:
        sys.exit("\n".join(failed))


def _run(path: Path, quick: bool) -> dict[str, Any] | None:
    """What the benchmark says in its last line; None when it failed."""
    command = [sys.executable, str(path), *(["--quick"] if quick else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        last = ""
        for line in process.stdout:
            if last:
                print(last, end="", flush=True)
            last = line
        code = process.wait(TIMEOUT_S)
    try:
        answer = json.loads(last)
    except json.JSONDecodeError:
        print(last, end="")
        return None
    return answer if code == 0 and isinstance(answer, dict) else None


def _heading() -> str:
    now = datetime.datetime.now(datetime.UTC)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=FOLDER, capture_output=True, text=True,
        check=False).stdout.strip() or "unknown"
    return (
        "# Results\n\nMade by `make bench`; not edited by hand. Each figure stands beside a peer "
        "or a limit of the\nsame run; trust the ratio more than the value.\n\n"
        f"- {now:%Y-%m-%d %H:%M} UTC, commit {commit}\n- {_processor()}, "
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}\n")


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        return platform.machine()
    return platform.machine()


def _section(name: str, figures: list[dict[str, Any]]) -> str:
    rows = [
        f"| {f['name']} | {rounded(f['value'])} {f['unit']} | {f['against']}: "
        f"{rounded(f['reference'])} | {rounded(f['ratio'])} | {f['goal'] or ''} | "
        f"{'' if f['met'] is None else 'yes' if f['met'] else '**no**'} |\n" for f in figures]
    return (f"\n## {name}\n\n| figure | value | against | ratio | goal | met |\n"
            f"|---|---|---|---|---|---|\n" + "".join(rows))


if __name__ == "__main__":
    main()
