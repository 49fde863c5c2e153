"""Asking a run through its control socket. Left out: what can be asked (control.py)."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LINE_MAX = 4096              # Bytes of a request.
_ANSWER_TIMEOUT_S = 10.0
_PATH_MAX = 107              # Bytes of a Unix socket's path, by the kernel.


class Refused(Exception):
    """A request that cannot be carried out; the text says why."""


def ask(path: Path, request: dict[str, object]) -> dict[str, Any]:
    """The answer of the run whose control socket is at `path`. Raises Refused, OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_ANSWER_TIMEOUT_S)
        try:
            with short(path) as name:
                client.connect(name)
        except (ConnectionRefusedError, FileNotFoundError) as error:
            raise OSError(error.errno, "no wum-simulator listens there; was it started with "
                          "--control?", str(path)) from error
        client.sendall(json.dumps(request).encode() + b"\n")
        with client.makefile("rb") as answers:
            answer = json.loads(answers.readline() or b'{"error": "it closed without a word"}')
    if not answer.pop("ok", False):
        raise Refused(answer["error"])
    return dict(answer)


@contextmanager
def short(path: Path) -> Iterator[str]:
    """A name for the socket at `path` that the kernel takes, however deep its folder lies."""
    if len(os.fsencode(path)) <= _PATH_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
