"""Make `.venv`: all five distributions and what demo, tests and benchmarks need, from the lock.

Runs under the machine's own Python and uses only its venv and pip. Written so that a Python 3.7
still understands it and can say that it is too old. Quick when nothing changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
LOCK = os.path.join(ROOT, "requirements.lock")
MEMBERS = ("shared", "edge", "cloud", "simulator", "firmware-tools")
WANTED = (3, 11)
NEWEST = 14  # Minor versions looked for when `python3` itself is too old.
NEEDED_BYTES = 2 * 1000**3  # Measured: 0.8 GB installed, as much again in pip's cache and moves.
# What pip says when it cannot reach its index, and when the disk is full.
NO_NETWORK = (
    "NewConnectionError",
    "Temporary failure in name resolution",
    "ConnectTimeoutError",
    "Network is unreachable",
    "ProxyError",
    "from versions: none",
)
DISK_FULL = "No space left on device"


def main(python: str) -> None:
    """Make the environment, or find that it is as it should be."""
    check_tools()
    folder = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)  # Two makes at once: the second waits and finds it done.
    fingerprint = fingerprint_of(python)
    if is_made(fingerprint):
        return
    check_space()
    say("Making .venv with " + python + " (a minute or two the first time)")
    version = subprocess.check_output([python, "-c", "import sys; print(sys.version)"])
    options = ["--clear"] if not works(version) else []
    if subprocess.call([python, "-m", "venv", *options, VENV]) != 0:
        sys.exit("python3 -m venv failed; on Debian and Ubuntu: " + apt("python3-venv"))
    pip_install("--require-hashes", "-r", LOCK)
    members = [word for name in MEMBERS for word in ("-e", os.path.join(ROOT, name + extra(name)))]
    pip_install("--no-deps", "--no-build-isolation", *members)
    remove_strangers()
    with open(mark(), "w") as file:
        file.write(fingerprint)
    say(".venv is ready")


def python_to_use() -> str:
    """This Python, or a newer one on the machine. Ends with a sentence when there is none."""
    if sys.version_info >= WANTED:
        check_venv_module()
        return sys.executable
    for minor in range(NEWEST, WANTED[1] - 1, -1):
        found = shutil.which("python3.%d" % minor)
        if found and os.environ.get("WUM_PYTHON_TRIED") is None:
            os.environ["WUM_PYTHON_TRIED"] = "yes"
            os.execv(found, [found, os.path.abspath(__file__)])
    sys.exit(
        "WUM needs Python %d.%d or newer, and python3 here is %d.%d. Newer releases of Debian "
        "(12) and Ubuntu (24.04) bring one; otherwise name another: make PYTHON=/path/to/python3"
        % (WANTED + sys.version_info[:2])
    )


def check_venv_module() -> None:
    for module in ("venv", "ensurepip"):  # Debian packs ensurepip apart.
        if importlib.util.find_spec(module) is None:
            sys.exit("Python's %s module is missing: %s" % (module, apt("python3-venv")))


def check_tools() -> None:
    for tool in ("git", "make"):
        if shutil.which(tool) is None:
            sys.exit("%s is missing: %s" % (tool, apt(tool)))


def check_space() -> None:
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES:
        sys.exit(
            "The disk is nearly full: %.1f GB are free in %s, and the environment needs %.1f GB."
            % (free / 1e9, ROOT, NEEDED_BYTES / 1e9)
        )


def apt(package: str) -> str:
    return "`%sapt install %s` brings it." % ("" if os.geteuid() == 0 else "sudo ", package)


def extra(name: str) -> str:
    return "[linux]" if name == "edge" else ""


def mark() -> str:
    return os.path.join(VENV, "made-from")


def fingerprint_of(python: str) -> str:
    """Changes when the lock, a distribution's metadata, the Python or the place changes."""
    digest = hashlib.sha256()
    for name in (LOCK, *(os.path.join(ROOT, m, "pyproject.toml") for m in MEMBERS)):
        with open(name, "rb") as file:
            digest.update(file.read())
    digest.update((os.path.realpath(python) + sys.version + VENV).encode())
    with open(os.path.abspath(__file__), "rb") as file:
        digest.update(file.read())
    return digest.hexdigest()


def is_made(fingerprint: str) -> bool:
    try:
        with open(mark()) as file:
            kept = file.read()
    except OSError:
        return False
    return kept == fingerprint and works(sys.version.encode() + b"\n")


def works(version: bytes) -> bool:
    """Whether `.venv` holds a Python of this very version that starts."""
    program = os.path.join(VENV, "bin", "python")
    try:
        said = subprocess.check_output(
            [program, "-c", "import sys, pip; print(sys.version)"], stderr=subprocess.DEVNULL
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return said == version


def pip_install(*words: str) -> None:
    """Run pip and say what it is at; its whole output only when it fails."""
    command = [os.path.join(VENV, "bin", "python"), "-m", "pip", "install"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    command += ["--no-compile"]  # Python does it for what is really used: half a minute less.
    pip = subprocess.Popen(
        command + list(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert pip.stdout is not None
    said = []
    total = sum(1 for word in words if word == "-e") or len(locked())
    count = 0
    try:
        for line in pip.stdout:
            said.append(line)
            if make.is_ending():
                raise Ended("the signal that make got")
            if line.startswith(("Collecting ", "Obtaining ", "Requirement already")):
                count += 1
                name = line.split()[3 if line.startswith("Req") else 1]
                tell("  %d of %d: %s" % (min(count, total), total, shown(name)), count)
            elif line.startswith("Installing collected"):
                tell("  installing", 0)
        tell("", 1)
        code = pip.wait()
    except BaseException:  # Ended by a signal: pip is not left behind.
        pip.kill()
        pip.wait()
        raise
    if code != 0:
        explain("".join(said))


def remove_strangers() -> None:
    """Remove what an earlier lock had and this one has not: a type stub left behind misleads."""
    pip = [os.path.join(VENV, "bin", "python"), "-m", "pip", "--disable-pip-version-check"]
    said = subprocess.check_output([*pip, "list", "--format=freeze", "--exclude-editable"])
    installed = {plain(line.split("==")[0]) for line in said.decode().splitlines()}
    strangers = sorted(installed - locked() - {"pip"})
    if strangers:
        say("  removing what the lock no longer names: " + ", ".join(strangers))
        subprocess.check_call([*pip, "uninstall", "--quiet", "--yes", *strangers])


def locked() -> set[str]:
    """The names in the lock."""
    with open(LOCK) as file:
        return {plain(line.split("==")[0]) for line in file if "==" in line}


def plain(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")


def shown(name: str) -> str:
    return name.replace("file://", "").replace(ROOT + "/", "").split("==")[0]


def explain(said: str) -> None:
    """End with one sentence where the cause is known, else with all that pip said."""
    if DISK_FULL in said:
        sys.exit("The disk is full: pip could not install into %s." % VENV)
    if any(sign in said for sign in NO_NETWORK):
        sys.exit(
            "pip cannot reach its package index: the first `make` needs the network (or a mirror "
            "in pip's own configuration). Later ones do not. pip's last words:\n"
            + "".join(said.splitlines(True)[-3:])
        )
    sys.exit(said + "\npip failed; its output stands above.")


def tell(line: str, count: int) -> None:
    """Progress: one line that changes on a terminal, every tenth one elsewhere."""
    if sys.stdout.isatty():
        sys.stdout.write("\r\x1b[K" + line)
    elif line and count % 10 == 0:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    chosen = python_to_use()  # May go on in a newer Python.
    from endings import Ended, Make, raise_on_signals  # Written for the Python we want.

    raise_on_signals()
    make = Make()
    try:
        main(chosen)
    except Ended as end:
        sys.exit("\nended by %s; the next make goes on from here" % end)
