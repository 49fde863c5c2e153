"""Ports on this machine's loopback address."""

import socket

from demo.errors import PortTaken


def free_port() -> int:
    """A TCP port that nobody listens on at this moment, chosen by the system."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def chosen_port(usual: int, wanted: int | None, tries: int = 50) -> tuple[int, str]:
    """The `wanted` port, or the `usual` one, or the next free after it; and a remark on that.

    Raises PortTaken when the wanted one, or all of `tries`, are in use.
    """
    if wanted is not None:
        if not is_free(wanted):
            raise PortTaken(
                f"port {wanted} is in use by another program: choose another (make demo PORT=...)"
            )
        return wanted, ""
    for port in range(usual, usual + tries):
        if is_free(port):
            return port, "" if port == usual else f"port {usual} is in use, so it is {port}"
    raise PortTaken(f"ports {usual} to {usual + tries - 1} are all in use: make demo PORT=...")
