"""A Unix socket that answers JSON: one object a line in, one out. For this user only.

Left out: what can be asked (control.py of a line, pulse_control.py of pulses). An answer holds
"ok": true, or "ok": false and "error", a sentence.
"""

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

from wum_simulator.faults import BadFault
from wum_simulator.line import Busy
from wum_simulator.request import LINE_MAX, Refused, short


class ControlSocket:
    """Answers requests; what they mean is `_done`, which a run's own control has."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def open(self, path: Path) -> None:
        """Listen at `path`. Raises Busy, OSError."""
        listener = listening(path, "--control")
        self._path = path
        self._server = await asyncio.start_unix_server(
            self._converse, sock=listener, limit=LINE_MAX)

    def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._server and self._path:
            self._server.close()
            self._path.unlink(missing_ok=True)

    def answer(self, line: bytes) -> dict[str, object]:
        """The answer to one request."""
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise Refused("wanted a JSON object")
            return {"ok": True, **self._done(request)}
        except (Refused, BadFault) as error:
            return {"ok": False, "error": str(error)}
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            return {"ok": False, "error": f"wanted one line of JSON: {error}"}

    def _done(self, request: dict[str, Any]) -> dict[str, object]:
        """What a request asks for, done. Raises Refused, BadFault."""
        raise NotImplementedError

    async def _converse(
            self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self.answer(line)).encode() + b"\n")
                await writer.drain()
        except ValueError:       # StreamReader's word for a line over the limit.
            error = f"a request has at most {LINE_MAX} bytes"
            writer.write(json.dumps({"ok": False, "error": error}).encode() + b"\n")
        except ConnectionError:
            return               # The client went away; nothing is owed to it.
        finally:
            writer.close()


def listening(path: Path, option: str) -> socket.socket:
    """A socket bound to `path`, for this user only. Raises Busy, OSError."""
    _make_room(path, option)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short(path) as name:
            listener.bind(name)
        os.chmod(path, 0o600)    # Before it listens, so that nobody else can connect.
    except OSError as error:
        listener.close()
        raise OSError(error.errno, error.strerror, str(path)) from error
    return listener


def _make_room(path: Path, option: str) -> None:
    """Remove a socket that nobody listens at. Raises Busy."""
    if not path.exists() and not path.is_symlink():
        return
    if not path.is_socket():
        raise Busy(f"{path}: is there already, and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            with short(path) as name:
                client.connect(name)
        except ConnectionRefusedError:
            path.unlink()
            return
    raise Busy(f"{path}: another wum-simulator listens there; end it first, "
               f"or choose another {option}")


def number_in(request: dict[str, Any], name: str, least: int, most: int) -> int | None:
    """That number of a request; None where it has none. Raises Refused."""
    value = request.get(name)
    if value is not None and (type(value) is not int or not least <= value <= most):
        raise Refused(f"{name}: wanted {least}..{most}, got {value!r}")
    return value
