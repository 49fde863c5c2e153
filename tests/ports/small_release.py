"""Releases for the launcher: our own update room, and a gateway of a few lines beside it.

The gateway says in a log which sequence runs, and does one of a few things. `wanted` lists what it
installs from; so a whole life of updates needs nobody else.
"""

from pathlib import Path

import wum_edge
import wum_shared
from wum_shared import bundle

_EDGE, _SHARED = Path(str(wum_edge.__file__)).parent, Path(str(wum_shared.__file__)).parent
_FILES = ("__init__.py", "archive/__init__.py", "archive/flash.py", "ports/__init__.py",
          "ports/linux/__init__.py", "ports/linux/slot_flash.py", "update/__init__.py",
          "update/boot.py", "update/slots.py", "update/start.py")
_SHARED_FILES = (
    "__init__.py", "bundle.py", "cbor.py", "cipher.py", "columns.py", "cose.py",
    "errors.py", "fields.py", "ids.py", "messages.py", "suit.py")

GATEWAY = '''
import hashlib, os, sys, time
from pathlib import Path
SEQUENCE, BEHAVIOUR = %d, "%s"
folder, slot = Path(os.environ["WUM_UPDATE_FOLDER"]), os.environ["WUM_UPDATE_SLOT"]
with open(folder.parent / "log", "a") as log:
    log.write("%%d %%s\\n" %% (SEQUENCE, slot))
if BEHAVIOUR == "crash":
    raise SystemExit(9)
if BEHAVIOUR == "hang":
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
from wum_edge.ports.linux.slot_flash import SlotFlash
from wum_edge.update import boot, slots
from wum_shared import bundle
flash = SlotFlash(folder)
kept = boot.read_boot(flash)
if kept.trial is not None and slot == "ab"[kept.trial]:
    kept = boot.keep_boot(flash, kept.confirmed())
for path in sorted((folder.parent / "wanted").iterdir()):
    wanted = int(path.name)
    if kept.trial is None and wanted > max(kept.sequence, kept.failed):
        data = path.read_bytes()
        kept = boot.keep_boot(flash, kept.cleared())
        slots.clear(flash, kept.spare)
        end = at = bundle.table_size(data)
        for file in bundle.decode_head(data[:end]):
            flash.replace(slots.prefix(kept.spare) + file.path, data[at:at + file.size])
            at += file.size
        flash.replace(slots.table_name(kept.spare), data[:end])
        boot.keep_boot(flash, kept.armed(wanted, hashlib.sha256(data).digest(), 0))
        raise SystemExit(75)
if BEHAVIOUR == "quick":
    raise SystemExit(1)
time.sleep(600)
'''

# Both processes load it, and the launcher dies at the change of a file that is named, its own or
# the gateway's, and takes the gateway with it.
KILLER = '''
import os, signal, sys, time
inside = "WUM_UPDATE_SLOT" in os.environ
left = int(os.environ.get("KILL_GATEWAY_AT" if inside else "KILL_LAUNCHER_AT", 0))
def counted(name, change):
    def maybe_last(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            with open(os.environ["KILL_LOG"], "a") as log:
                print("gateway" if inside else "launcher", name, arguments[0], file=log)
            os.kill(os.getppid() if inside else os.getpid(), signal.SIGKILL)
            time.sleep(60)
        return change(*arguments, **options)
    return maybe_last
os.rename, os.unlink = counted("rename", os.rename), counted("unlink", os.unlink)
os.fsync = counted("fsync", lambda handle: None)      # A kill loses no cache: it only takes time.
'''


def files(sequence: int, behaviour: str) -> list[tuple[str, bytes, int]]:
    """What is in such a release; sequence 0 is what came with the machine."""
    found = [("wum_edge/" + name, (_EDGE / name).read_bytes(), bundle.PLAIN) for name in _FILES]
    found += [("wum_shared/" + name, (_SHARED / name).read_bytes(), bundle.PLAIN)
              for name in _SHARED_FILES]
    gateway = GATEWAY % (sequence, behaviour)
    return [*found, ("wum_edge/ports/linux/__main__.py", gateway.encode(), bundle.PLAIN)]


def write_factory(folder: Path, behaviour: str = "good") -> None:
    """What is installed on the machine: the launcher, and a gateway of sequence 0."""
    for path, data, _ in files(0, behaviour):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    (folder / "sitecustomize.py").write_text(KILLER)
    for name in ("flash.py", "launcher.py", "slot_environment.py"):
        here = folder / "wum_edge" / "ports" / "linux" / name
        here.write_bytes((_EDGE / "ports" / "linux" / name).read_bytes())


def content(sequence: int, behaviour: str = "good") -> bytes:
    """A release as it travels."""
    return bundle.content_of(files(sequence, behaviour))
