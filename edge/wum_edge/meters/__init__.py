"""Talking to meters: conversations without I/O, meter types as data, sweeps over a line."""
