"""What deltas build on: the values that recent batches left behind, as arrays and as a table."""
