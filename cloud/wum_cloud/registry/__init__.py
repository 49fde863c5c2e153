"""What there is: concentrators and their keys, meters, delivery points, schemas."""
