"""What the benchmarks share; no benchmark itself."""
