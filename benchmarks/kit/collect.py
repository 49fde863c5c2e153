"""Run the benchmarks of the folder above and write what they say into RESULTS.md.

Each section of that file tells when, where and of which commit it was measured, so that one
benchmark can be measured again alone, `--only bus`, on a machine that is quiet for it; a section
whose benchmark failed stays as it was. With --quick nothing is written: a quick run is for seeing
that they work. A benchmark that fails or misses a goal is named, and the exit code is 1.
"""

import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from kit.figures import parser as figures_parser
from kit.figures import rounded

FOLDER = Path(__file__).resolve().parent.parent
RESULTS = FOLDER / "RESULTS.md"
TIMEOUT_S = 3600
_HEADING = (
    "# Results\n\nMade by `make bench`; not edited by hand. Each figure stands beside a peer or a "
    "limit of the\nsame run; trust the ratio more than the value.\n")


def main() -> None:
    """Run all, or those that were asked for, one after the other."""
    chosen, quick = _chosen()
    sections, failed = _sections(), []
    for name in chosen:
        print(f"== {name}", flush=True)
        answer = _run(FOLDER / f"{name}.py", quick)
        if answer is None:
            failed.append(f"{name} failed")
            continue
        failed += [f"{name}: {f['name']} misses its goal, {f['goal']}"
                   for f in answer["figures"] if f["met"] is False]
        if not quick and answer["figures"]:     # Without any, it found nothing to measure.
            sections[name] = _section(name, answer["figures"])
            _write(sections)
    if failed:
        sys.exit("\n".join(failed))


def _chosen() -> tuple[list[str], bool]:
    """The names of the benchmarks to run, and whether quickly."""
    every = sorted(path.stem for path in FOLDER.glob("*.py"))
    parser = figures_parser(__doc__ or "")
    parser.add_argument("--only", nargs="+", choices=every, metavar="NAME",
                        help=f"only these: {', '.join(every)}")
    asked = parser.parse_args()
    return asked.only or every, asked.quick


def _sections() -> dict[str, str]:
    """What RESULTS.md holds today, by benchmark."""
    if not RESULTS.exists():
        return {}
    _, *parts = RESULTS.read_text(encoding="utf-8").split("\n## ")
    return {part.partition("\n")[0]: f"\n## {part.rstrip()}\n" for part in parts}


def _write(sections: dict[str, str]) -> None:
    RESULTS.write_text(
        _HEADING + "".join(sections[name] for name in sorted(sections)), encoding="utf-8")
    print(f"written to {RESULTS}")


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


def _measured() -> str:
    """When, of which commit and on what machine a section was measured."""
    now = datetime.datetime.now(datetime.UTC)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=FOLDER, capture_output=True, text=True,
        check=False).stdout.strip() or "unknown"
    return (f"{now:%Y-%m-%d %H:%M} UTC, commit {commit}; {_processor()}, {os.cpu_count()} cores, "
            f"{platform.system()} {platform.release()}, Python {platform.python_version()}")


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
    return (f"\n## {name}\n\n{_measured()}\n\n| figure | value | against | ratio | goal | met |\n"
            f"|---|---|---|---|---|---|\n" + "".join(rows))


if __name__ == "__main__":
    main()
