"""How long a registry file of 100,000 meters takes, by the command line that an operator uses.

A town is generated (60 meters to a concentrator, a street for each), 50 faults are planted into a
copy, and `wum-cloud registry` does the rest, each run a process of its own: the dry run of the
copy, which must name every fault by its row and nothing else; the import; the export; and the
export imported again, which must change nothing. The limit of the import is a minute.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from kit.figures import Figure, arguments, report
from kit.head_end import ROOT, HeadEnd

sys.path.insert(0, str(ROOT))

from tests.cloud.registry.town_file import content, plant, register_town, town  # noqa: E402

LIMIT_S = 60.0


def registry(url: str, *words: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    """(seconds, what it said) of one command."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "wum_cloud", "registry", *words], capture_output=True, text=True,
        env={**os.environ, "WUM_DATABASE_URL": url}, check=False)
    return time.perf_counter() - start, done


def measure(url: str, folder: Path, meters: int) -> dict[str, float]:
    """Seconds of each step. Raises SystemExit where one does not do what it should."""
    register_town(url, meters)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("analyze")
    file, broken, out = folder / "town.csv", folder / "broken.csv", folder / "export.csv"
    file.write_bytes(content(town(meters)))
    rows = town(meters)
    planted = plant(rows)
    broken.write_bytes(content(rows))
    took = {}
    took["dry_run_of_50_faults"], done = registry(url, "import", "--dry-run", str(broken))
    named = {(int(line.split(",")[0].removeprefix("row ")), line.split(", ")[1].split(":")[0])
             for line in done.stdout.splitlines()}
    _want(named == planted and len(planted) == 50, "a fault was not named, or another was", done)
    took["dry_run"], done = registry(url, "import", "--dry-run", str(file))
    _want(done.returncode == 0, "the dry run", done)
    took["import"], done = registry(url, "import", str(file))
    _want(done.returncode == 0 and "%7d new" % meters in done.stdout, "the import", done)
    took["export"], done = registry(url, "export", str(out))
    _want(done.returncode == 0, "the export", done)
    took["import_of_the_export"], done = registry(url, "import", str(out))
    changed = [line for line in done.stdout.splitlines()
               if "      0 new       0 changed" not in line]
    _want(done.returncode == 0 and not changed, "the export is no change", done)
    return took


def _want(holds: bool, what: str, done: subprocess.CompletedProcess[str]) -> None:
    if not holds:
        raise SystemExit("%s: %s %s" % (what, done.stdout[-2000:], done.stderr[-2000:]))


def main() -> None:
    """Measure and report."""
    meters = 6_000 if arguments(__doc__ or "").quick else 100_000
    with tempfile.TemporaryDirectory() as thrown_away:
        folder = Path(thrown_away)
        folder.chmod(0o711)                  # PostgreSQL's account goes through it.
        with HeadEnd(folder) as head_end:
            took = measure(head_end.database_url, folder, meters)
    report("registry", [
        Figure("registry_%s_s" % name, spent, "s", "limit of an import, %d meters" % meters,
               LIMIT_S, "value <= 60") for name, spent in took.items()])


if __name__ == "__main__":
    main()
