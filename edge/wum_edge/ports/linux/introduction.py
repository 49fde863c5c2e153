"""What a gateway says of itself when it starts: who it is, where it stands, what is away."""

import logging
from typing import TYPE_CHECKING

from wum_edge.archive.ring import Archive
from wum_edge.config import Config
from wum_edge.ports.linux.keys import KeysFolder
from wum_edge.ports.linux.tcp_line import is_there
from wum_shared.ids import id_to_text

if TYPE_CHECKING:            # A gateway without a mesh does not load it.
    from wum_edge.ports.linux.mesh_part import MeshPart

_log = logging.getLogger("wum_edge.run")


def introduce(
        config: Config, own: KeysFolder, archive: Archive, mesh: "MeshPart | None") -> None:
    """Who this is and where it stands, for the log."""
    _log.info("concentrator %s: archive %s, %d records, %d wait for the head-end; %s",
              id_to_text(own.keys.concentrator), config.concentrator.archive,
              archive.next_sequence - 1, archive.backlog,
              "through the mesh" if config.broker is None else "%s:%d%s" % (
                  config.broker.host, config.broker.port,
                  " if the mesh has no gateway" if mesh and mesh.standby else ""))
    if mesh is not None:
        _log.info("%s", mesh.introduction())
    for line in config.lines:
        if not is_there(line):   # Else nobody would hear of it before the first sweep is due.
            _log.warning("line %s: %s is not there at this moment", line.name, line.port)
