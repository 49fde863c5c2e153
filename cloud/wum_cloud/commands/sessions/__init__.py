"""Transparent sessions with meters: lent to a tool that connects by TCP, recorded whole."""
