"""The runner behind `make demo`: starts command lines, imports no room."""
