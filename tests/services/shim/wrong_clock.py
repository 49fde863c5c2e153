"""A clock that is wrong: in a process that has this folder on its path, as its test says.

The file that WUM_TEST_CLOCK names holds seconds to add to `time.time`; it may change any time. The
monotonic clock goes on, as a real one does when the time is set.
"""

import os
import time

_LOOK_S = 0.2


class _Clock:
    """Looks at the file a few times a second."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._time = time.time
        self._monotonic = time.monotonic
        self._due_s = 0.0
        self._offset_s = 0.0

    def __call__(self) -> float:
        if self._monotonic() >= self._due_s:
            self._due_s = self._monotonic() + _LOOK_S
            try:
                with open(self._path) as file:
                    self._offset_s = float(file.read() or self._offset_s)
            except FileNotFoundError:    # Nobody has set it wrong yet.
                self._offset_s = 0.0
        return self._time() + self._offset_s


if "WUM_TEST_CLOCK" in os.environ:
    time.time = _Clock(os.environ["WUM_TEST_CLOCK"])
