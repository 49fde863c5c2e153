"""Promises of the portable gateway: plain functions and asserts, for CPython and MicroPython."""
