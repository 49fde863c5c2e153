"""Groups of meters that are ordered about together."""
