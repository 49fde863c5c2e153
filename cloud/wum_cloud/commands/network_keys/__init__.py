"""The key of a mesh's network is changed, from afar."""
