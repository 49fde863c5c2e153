"""The contract between a WUM concentrator and its head-end. Portable: CPython and MicroPython."""
