"""Invocation counters of DLMS meters: one small file, written anew at each reservation."""

import json

from wum_edge.archive.flash import read_whole
from wum_edge.errors import MeterError
from wum_edge.meters.dlms.ciphering import Counters

NAME = "dlms-counters"
_BYTES_MAX = 65536           # 256 meters take some 20 kB.
_HEARD_EVERY = 64            # Counters of a meter that may pass before they are written.


class FlashCounters(Counters):
    """Counters of all meters of this concentrator."""

    def __init__(self, flash):
        """Raises OSError where they cannot be read: to begin again would repeat them."""
        self._flash = flash
        self._next, self._heard, self._written = {}, {}, {}
        data = read_whole(flash, NAME, _BYTES_MAX)
        if data is None:
            if NAME in flash.names():
                raise OSError("the invocation counters cannot be read")
            return
        try:
            kept = json.loads(data)
            self._next, self._heard = kept["next"], kept["heard"]
        except (ValueError, KeyError, TypeError):
            raise OSError("the invocation counters cannot be read")
        self._written = dict(self._heard)

    def reserve(self, context, count, least):
        """See Counters.reserve."""
        first = max(self._next.get(context, 0), least)
        self._next[context] = first + count
        self._write()
        return first

    def heard(self, context):
        """See Counters.heard."""
        return self._heard.get(context, -1)

    def note_heard(self, context, counter):
        """See Counters.note_heard."""
        self._heard[context] = counter
        if counter - self._written.get(context, -_HEARD_EVERY) >= _HEARD_EVERY:
            self._write()

    def _write(self):
        try:
            self._flash.replace(NAME, json.dumps(
                {"next": self._next, "heard": self._heard}).encode())
        except OSError as error:
            raise MeterError("the invocation counters cannot be kept: %s" % error)
        self._written = dict(self._heard)
