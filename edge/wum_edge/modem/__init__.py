"""Radio modems on a serial port: what is said to them and what their words mean. No I/O."""
