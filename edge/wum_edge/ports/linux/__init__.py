"""The gateway on Linux: pyserial, paho-mqtt, PyNaCl, and the command line."""
