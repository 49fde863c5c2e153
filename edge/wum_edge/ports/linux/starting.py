"""`wum-edge run`: starts a gateway, and starts it anew when another configuration is in force.

Left out: what runs meanwhile (run.py).
"""

import logging
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from wum_edge.configuration.kept import Kept
from wum_edge.meters.catalog import protocols
from wum_edge.ports.linux import journal, order_desk, pulse_lines
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.config_file import archive_of, own_entries
from wum_edge.ports.linux.configured import configured
from wum_edge.ports.linux.flash import FolderInUse, LinuxFlash
from wum_edge.ports.linux.keys import BadKeys
from wum_edge.ports.linux.mesh_store import CounterLost
from wum_edge.ports.linux.renewing import EPOCH_S
from wum_edge.ports.linux.run import ANEW, FAILED, open_gateway

_log = logging.getLogger("wum_edge.run")


def run(path: Path, status_s: float = 60.0, epoch_s: int = EPOCH_S,
        form: str = journal.TEXT) -> int:
    """Run the gateway of a configuration file until a signal ends it; the exit code.

    A line says every `status_s` seconds how it stands; lines have the `form` of journal.FORMS. Keys
    are used for `epoch_s`. It starts anew
    by itself when the head-end has ordered another configuration. Raises BadConfigFile,
    BadCatalogFiles.
    """
    recent = order_desk.Recent()
    outcome = _round(path, status_s, epoch_s, recent, form, is_tried=False)
    while outcome == ANEW:
        outcome = _round(path, status_s, epoch_s, recent, form, is_tried=True)
    return outcome


def _round(path: Path, status_s: float, epoch_s: int, recent: order_desk.Recent,
           form: str, *, is_tried: bool) -> int:
    """From one start to its end. `is_tried`: with a configuration that just came; where nothing
    can be started with that one, it is taken back.
    """
    models = read_catalog(own_entries(path))
    failure = ""
    try:
        found = configured(path, protocols(models))
        journal.begin(recent, form)
        ending = threading.Event()
        _listen_to_signals(ending)
        gateway = open_gateway(found, models, ending, recent, epoch_s)
    except (BadKeys, FolderInUse, CounterLost, pulse_lines.NeedsLibrary) as error:
        failure = str(error)
    except OSError as error:
        failure = f"the archive in {archive_of(path)} cannot be used: {error}"
    if not failure:
        return gateway.run(status_s)
    if is_tried and _taken_back(path, failure):
        return ANEW
    print(f"wum-edge: {failure}", file=sys.stderr)
    return FAILED


def _taken_back(path: Path, failure: str) -> bool:
    """Whether there is another configuration to start with now."""
    try:
        flash = LinuxFlash(archive_of(path))
        try:
            is_back = Kept(flash).go_back()
        finally:
            flash.close()
    except (OSError, FolderInUse):
        return False
    if is_back:
        _log.error("the head-end's configuration is taken back, nothing starts with it: %s",
                   failure)
    return is_back


def _listen_to_signals(ending: threading.Event) -> None:
    """End on TERM, INT and HUP: set one by one, since a parent may have had them ignored."""

    def end(number: int, frame: FrameType | None) -> None:
        ending.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
