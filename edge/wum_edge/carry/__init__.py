"""Sealed messages over the mesh: a concentrator's own, and those of others at a gateway."""
