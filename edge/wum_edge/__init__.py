"""The WUM gateway. Portable but for ports/: CPython and MicroPython."""
