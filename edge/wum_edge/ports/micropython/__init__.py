"""The gateway on a MicroPython board: what its core needs, by machine, network and cryptolib."""
