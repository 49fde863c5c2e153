"""What benchmarks run on a board: programs for its interpreter, copied there as they are."""
