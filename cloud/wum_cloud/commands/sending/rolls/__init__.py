"""One assignment for many stations of a mesh: one roll, one signed order that names it, flooded."""
