"""What benchmarks run on MicroPython's port for Linux with 32 bits, frozen into it as it is."""
