"""What a board's updates say to its station of the mesh; loaded while there is something to say.

Left out: when that is (update_mesh.py), what is passed on (update/sharing.py).
"""

from wum_edge.update.sharing import Spreader


class BoardSpreader(Spreader):
    """A station's images."""

    def __init__(self, mesh):
        self._mesh = mesh

    def images(self):
        """See Spreader."""
        found = {}
        for image in self._mesh.relay.spread.images:
            found[image.name] = image.have
        return found

    def take_up(self, name, size, index, have, whole):
        """See Spreader."""
        mesh = self._mesh
        mesh.relay.take_up(mesh.now_us(), name, size, index, have, whole)

    def have(self, name, have):
        """See Spreader."""
        self._mesh.relay.has_pages(self._mesh.now_us(), name, have)

    def drop(self, name):
        """See Spreader."""
        self._mesh.relay.spread.drop(name)

    def give(self, name, page, data):
        """See Spreader."""
        self._mesh.relay.give_page(self._mesh.now_us(), name, page, data)
