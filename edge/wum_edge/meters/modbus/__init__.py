"""Modbus, master side: RTU on a serial line and TCP. No I/O."""
