"""One signed order for the members of a group, flooded where a mesh is."""
