"""A virtual board: MicroPython with UARTs, sockets, flash, watchdog and reset, in one process."""
