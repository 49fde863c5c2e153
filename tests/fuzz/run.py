"""Fuzz the parsers: with atheris where it is installed, else with mutations of the saved inputs.

    python tests/fuzz/run.py [--seconds 600] [--target NAME ...] [--seed N]

A target is a file of tests/fuzz/targets/ with `run(data: bytes) -> None`, which swallows only the
room's own errors; its saved inputs are in tests/fuzz/corpus/NAME/. An input that a parser does not
stand is kept in tests/fuzz/found/ and printed; put it into the corpus once the parser is mended.
"""

import argparse
import hashlib
import importlib
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))

from tests.fuzz.mutation import CALL_S_MAX, SIZE_MAX, Finding, watch  # noqa: E402

FOUND = HERE / "found"
RSS_MB_MAX = 1024            # With atheris' own tables.


def names() -> list[str]:
    """Every target, sorted."""
    return sorted(path.stem for path in (HERE / "targets").glob("*.py") if path.stem != "__init__")


def corpus(name: str) -> Path:
    """Where the saved inputs of a target are."""
    return HERE / "corpus" / name


def target(name: str) -> Callable[[bytes], None]:
    """What runs one input."""
    run: Callable[[bytes], None] = importlib.import_module(f"tests.fuzz.targets.{name}").run
    return run


def by_mutation(name: str, seconds: float, seed: int) -> bool:
    """Whether the parser stood everything."""
    result = watch(target(name), corpus(name), seconds=seconds, seed=seed)
    if isinstance(result, Finding):
        FOUND.mkdir(exist_ok=True)
        kept = FOUND / f"{name}-{hashlib.sha256(result.data).hexdigest()[:12]}"
        kept.write_bytes(result.data)
        print(f"{name}: {result.what}\n  input kept in {kept}\n  {result.data[:80].hex()}")
        return False
    print(f"{name}: {result.inputs} inputs in {seconds:g} s, the slowest {result.slowest_s:.3f} s, "
          f"{result.grown_kb} kB more memory")
    return True


def by_atheris(name: str, seconds: float, seed: int) -> bool:
    """The same, guided by coverage, in a process of its own."""
    FOUND.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as grown:
        print(f"{name}: atheris for {seconds:g} s", flush=True)
        done = subprocess.run(
            [sys.executable, str(HERE / "atheris_target.py"), name, grown, str(corpus(name)),
             f"-max_total_time={seconds:.0f}", f"-max_len={SIZE_MAX}", f"-seed={seed}",
             f"-timeout={CALL_S_MAX * 5:.0f}", f"-rss_limit_mb={RSS_MB_MAX}",
             f"-artifact_prefix={FOUND}/{name}-", "-print_final_stats=1", "-verbosity=0"],
            cwd=ROOT, check=False)
        print(f"{name}: {'stood' if done.returncode == 0 else 'did not stand'} it, "
              f"{len(list(Path(grown).iterdir()))} inputs that reached something new", flush=True)
    return done.returncode == 0


def main(arguments: list[str]) -> int:
    """The exit code: 0 when every parser stood everything."""
    parser = argparse.ArgumentParser(description="Fuzz the parsers.")
    parser.add_argument("--seconds", type=float, default=600, metavar="N",
                        help="for each target (default: 600)")
    parser.add_argument("--target", action="append", choices=names(), metavar="NAME",
                        help="only this one; may stand several times")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--mutation", action="store_true", help="also where atheris is installed")
    options = parser.parse_args(arguments)
    guided = importlib.util.find_spec("atheris") is not None and not options.mutation
    fuzz = by_atheris if guided else by_mutation
    stood = [fuzz(name, options.seconds, options.seed) for name in options.target or names()]
    return 0 if all(stood) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
