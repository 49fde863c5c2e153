"""The status page: what standing.py says, as text, to whoever asks by HTTP in the board's network.

It shows no reading, no key and nobody's name, and takes no orders: GET alone, one answer, and the
connection is closed. Written without a framework: microdot would take some 30 kB of the heap that a
board without PSRAM has not (docs/boards.md). At most a few at once; who says nothing is hung up on.
"""

import asyncio

PORT = 80
ASKING_MAX = 3               # Connections at once: each has a buffer.
REQUEST_MAX = 1024           # Bytes of a request; of more is read nothing.
PATIENCE_S = 5
_HEAD = ("HTTP/1.0 %s\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"
         "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n")


class Page:
    """`lines` gives the page, anew each time."""

    def __init__(self, lines, log):
        self._lines, self._log = lines, log
        self._asking = self._unanswered = 0

    async def serve(self, port):
        """Answer for ever. A port that cannot be had is said, and nothing else suffers."""
        try:
            await asyncio.start_server(self._answer, "0.0.0.0", port)
        except OSError as error:
            self._log.warn("no status page: port %d: %s" % (port, error))
            return
        self._log.say("status page on port %d" % port)

    async def _answer(self, reader, writer):
        self._asking += 1
        try:
            if self._asking <= ASKING_MAX:
                await asyncio.wait_for(self._said(reader, writer), PATIENCE_S)
        except (asyncio.TimeoutError, OSError, ValueError) as error:  # noqa: UP041 - So on a board.
            self._unanswered += 1            # Only the first is told: strangers could fill a log.
            if self._unanswered == 1:
                self._log.say("status page: who asked is gone, or never said what it wanted: %r; "
                              "more of these are not told" % error)
        finally:
            self._asking -= 1
            writer.close()
            await writer.wait_closed()

    async def _said(self, reader, writer):
        words = (await _line(reader, REQUEST_MAX)).split()
        left = REQUEST_MAX
        while left > 0:
            line = await _line(reader, left)
            left -= len(line)
            if not line.strip():
                break
        if len(words) != 3 or words[0] not in (b"GET", b"HEAD"):
            status, lines = "405 Method Not Allowed", ("this page can be read, and nothing else",)
        elif words[1] != b"/":
            status, lines = "404 Not Found", ("there is one page, /",)
        else:
            status, lines = "200 OK", self._lines()
        writer.write((_HEAD % status).encode())
        await writer.drain()
        if words[:1] != [b"HEAD"]:
            for line in lines:
                writer.write(line.encode() + b"\n")
                await writer.drain()


async def _line(reader, most):
    """A line, or as much of it as is let in."""
    line = b""
    while not line.endswith(b"\n") and len(line) < most:
        piece = await reader.read(1)
        if not piece:
            break
        line += piece
    return line
