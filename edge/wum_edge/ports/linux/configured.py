"""The configuration that a gateway runs with: its file, and over it what the head-end ordered.

Left out: the order itself (wum_edge/configuration). Where what was ordered does not fit the file
any more (somebody changed it), the gateway runs with the file alone, and its log says so.
"""

import logging
import tomllib
from dataclasses import dataclass
from pathlib import Path

from wum_edge.config import Config, check
from wum_edge.configuration.kept import Kept
from wum_edge.configuration.merging import merged
from wum_edge.errors import ConfigError
from wum_edge.ports.linux.config_file import absolute, archive_of, read_config
from wum_edge.ports.linux.flash import LinuxFlash
from wum_edge.ports.linux.gpio import NEEDED, is_installed
from wum_shared.configuration import Configuration

_log = logging.getLogger("wum_edge.configuration")


@dataclass(frozen=True, slots=True)
class Configured:
    """`own` is the document in the file. `ordered` is None where the file alone is in force."""

    own: dict[str, object]
    config: Config
    ordered: Configuration | None


def configured(path: Path, protocols: dict[str, str]) -> Configured:
    """What is in force for the gateway of this file. Raises BadConfigFile, FolderInUse, OSError."""
    config = read_config(path, protocols)
    own = tomllib.loads(path.read_text(encoding="utf-8"))
    flash = LinuxFlash(archive_of(path))
    try:
        ordered = Kept(flash).current
    finally:
        flash.close()
    if ordered is None:
        return Configured(own, config, None)
    try:
        laid_over = check(merged(own, ordered.parts), protocols)
    except ConfigError as error:
        _log.warning("configuration %d of the head-end does not fit %s any more, which is used "
                     "alone: %s", ordered.number, path, error)
        return Configured(own, config, None)
    return Configured(own, absolute(laid_over, path.resolve().parent), ordered)


def why_not(config: Config) -> str:
    """Why this machine cannot work with a configuration; empty where it can."""
    for line in config.lines:
        if line.port.startswith("gpio:") and not is_installed():
            return "line %s: %s" % (line.name, NEEDED)
    if config.mesh is not None and config.mesh.modem is not None and (
            config.mesh.modem.kind != "rui3"):
        return "mesh.modem.kind: %s is the radio of a board; here it is rui3" % (
            config.mesh.modem.kind)
    return ""
