"""Does the street's test notice? Break the head-end in a copy, run the test, and want it red.

    .venv/bin/python tests/system/mutants.py [NAME ...]

Each mutant takes one promise away, and the test has to say just that: one that is red because the
machine was too busy proves nothing. `make mutants` runs all; each takes about two minutes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TEST = "tests/system/test_nothing_is_lost.py"
_PATIENCE_S = 1200


@dataclass(frozen=True, slots=True)
class Mutant:
    """Texts of one file below cloud/wum_cloud, each there once, and what stands there instead;
    `said` is what the test says of it.
    """

    name: str
    said: str
    file: str
    changes: tuple[tuple[str, str], ...]


_COMMIT = "    async def commit(self, harvest: Harvest) -> Committed:\n"
_COMMIT_LATER = _COMMIT + """\
        import asyncio
        written = asyncio.get_running_loop().create_future()
        async def late() -> None:
            try:
                await self._commit(harvest, written)
            except Exception as error:
                written.done() or written.set_exception(error)
        self._late = asyncio.create_task(late())
        return await written

    async def _commit(self, harvest: Harvest, written_future: object) -> None:
"""
_AT_THE_END = (
    "            return await _finish(connection, harvest, self._downlink, tables)\n\n"
    "    async def trim_quarantine")
_AND_A_SECOND_LATER = """\
            written_future.set_result(await _finish(connection, harvest, self._downlink, tables))
            import asyncio
            await asyncio.sleep(1.0)

    async def trim_quarantine"""
_KEY = "    extra bigint[],\n    primary key (meter_id, captured_at, profile)\n"

MUTANTS = (
    Mutant("acknowledged-before-commit", "acknowledged and not stored: ", "ingest/store.py", (
        (_COMMIT, _COMMIT_LATER), (_AT_THE_END, _AND_A_SECOND_LATER))),
    Mutant("rows-without-identity", "twice: ", "migrations/0004_reading.plain.sql", (
        (_KEY, "    extra bigint[]\n"),)),
    Mutant("late-registers-dropped", "missing: ", "ingest/rows/store.py", (
        ("        if written.rows_by_meter.total() < sum([len(table) for table in tables]):\n",
         "        if False:\n"),)),
)


def broken(mutant: Mutant) -> str:
    """The mutant's file with its promise taken away."""
    text = (ROOT / "cloud" / "wum_cloud" / mutant.file).read_text()
    for before, after in mutant.changes:
        assert text.count(before) == 1, "%s: %r stands there %d times" % (
            mutant.name, before, text.count(before))
        text = text.replace(before, after)
    return text


def survives(mutant: Mutant) -> bool:
    """Whether the test does not say that the promise is gone."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "wum_cloud"
        paths = [path for path in [os.environ.get("PYTHONPATH")] if path]
        shutil.copytree(ROOT / "cloud" / "wum_cloud", copy)
        (copy / mutant.file).write_text(broken(mutant))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-vv", "-s", "-p", "no:cacheprovider", _TEST],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": os.pathsep.join([folder, *paths])},
            capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
        told = [line for line in done.stdout.splitlines() if line.startswith(("E  ", "WUM_SEED"))]
        is_noticed = done.returncode != 0 and any(mutant.said in line for line in told)
        print("%s: %s" % (mutant.name, "noticed" if is_noticed else
                          "SURVIVED" if done.returncode == 0 else "RED FOR ANOTHER REASON"))
        print("\n".join("    " + line[:160] for line in told[:4]), flush=True)
        return not is_noticed


def main(names: list[str]) -> int:
    """Run the mutants called `names`, or all. Returns how many survive."""
    known = {mutant.name: mutant for mutant in MUTANTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        print("No mutant %s; there are %s." % (unknown[0], ", ".join(known)), file=sys.stderr)
        return 2
    return sum(survives(mutant) for mutant in MUTANTS if mutant.name in (names or known))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
