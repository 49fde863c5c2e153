"""The pulse inputs of one line: a thread that takes their edges, and the counters of its meters.

Left out: counting (meters/pulse/), and where edges come from (gpio.py, edge_socket.py). Sweeps read
the counters like every other line's meters. Nobody counts while the inputs are not there: then the
line is gone, nothing is read of it, and after it an event says what may be missing.
"""

import errno
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from wum_edge import config
from wum_edge.clock import Clock
from wum_edge.errors import LineGone
from wum_edge.meters.catalog import Model
from wum_edge.meters.pulse.counter import PulseCounter
from wum_edge.meters.pulse.entry import Access, Wiring, counting_of
from wum_edge.meters.pulse.line import PulseLine
from wum_edge.meters.turn import Hearing, Line, Setting
from wum_edge.ports.linux import edge_socket, gpio
from wum_edge.ports.linux.edges import EdgeSource, QueuedInput
from wum_edge.ports.linux.flash import LinuxFlash
from wum_edge.ports.linux.pulse_store import FlashStore

POLL_S = 0.2                 # How long an edge waits at most until it is counted.
AGAIN_S = 2.0                # How long inputs that are not there are left alone.
FOLDER = "pulses"            # Below the archive's: the same flash, and no file of the archive.
SUFFIX = ".pulses"
TELL_AGAIN_S = 10.0          # A contact that chatters has its events read no oftener.
WIRING = Wiring(0, True, "pull-up")
_NOT_YET = "it was not opened yet"
_SENTENCES = {
    errno.ENOENT: "there is none: is the port right, and the driver or program running?",
    errno.EACCES: "this user may not open it: add it to the device's group (often gpio)",
    errno.EBUSY: "another program uses one of the inputs",
    errno.ECONNREFUSED: "the program that gives the edges does not run",
}
_log = logging.getLogger(__name__)


class CounterFiles:
    """The folder in which all lines of this process keep their counters, one line at a time."""

    def __init__(self, archive: Path) -> None:
        """Raises FolderInUse, OSError."""
        self.lock = threading.RLock()
        self.flash = LinuxFlash(archive / FOLDER)


class PulseInputs(Line):
    """A line whose meters are the counters of its inputs.

    `told` is called, in any thread, with the index of a meter that has events to be read.
    """

    def __init__(
            self, settings: config.Line, meters: list[tuple[int, config.Meter, Model]],
            clock: Clock, files: CounterFiles, told: Callable[[int], None],
            crashed: Callable[[BaseException], None],
            source: Callable[[config.Line, tuple[Wiring, ...]], EdgeSource] | None = None,
    ) -> None:
        """Raises OSError when the counters cannot be read."""
        self._settings = settings
        self._clock = clock
        self._files = files
        self._told = told
        self._crashed = crashed
        self._source = source or source_of
        self._inputs: dict[int, QueuedInput] = {}
        self._wirings: list[Wiring] = []
        self._counters = {int(meter.address): (index, self._counter(meter, model))
                          for index, meter, model in meters}
        self._line = PulseLine({number: own for number, (_, own) in self._counters.items()})
        self._events = dict.fromkeys(self._counters, 0)
        self._told_at = dict.fromkeys(self._counters, -TELL_AGAIN_S)
        self._gone = _NOT_YET
        self._unheard_since_s = clock.now_s()
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"inputs {settings.name}", daemon=True)

    def start(self) -> None:
        """Begin to count; returns when the inputs were tried once."""
        self._thread.start()
        self._ready.wait(AGAIN_S)

    def close(self) -> None:
        """End in order: all that was counted is written."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(AGAIN_S)
        with self._files.lock:
            self._line.close()

    def set(self, setting: Setting) -> None:
        """There is no wire that could be set."""

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        """See Line.turn. Raises LineGone while the inputs are not there."""
        with self._files.lock:
            if self._gone:
                raise LineGone(f"line {self._settings.name}: {self._settings.port}: {self._gone}")
            return self._line.turn(say, is_whole, timeout_ms)

    def _counter(self, meter: config.Meter, model: Model) -> PulseCounter:
        access: Access | None = meter.access
        low, bias = (access.active_low, access.bias) if access else WIRING[1:]
        debounce_ms, most_per_hour = counting_of(model.manner, access)
        counter = PulseCounter(
            self._input(Wiring(int(meter.address), low, bias), is_contact=False),
            FlashStore(self._files.flash, meter.serial + SUFFIX), self._clock,
            access.calendar if access else None, debounce_ms, model.manner.save_s, most_per_hour)
        for code, wiring in access.contacts if access else ():
            counter.watch(self._input(wiring, is_contact=True), code)
        return counter

    def _input(self, wiring: Wiring, *, is_contact: bool) -> QueuedInput:
        self._wirings.append(wiring)
        self._inputs[wiring.number] = QueuedInput(is_contact=is_contact)
        return self._inputs[wiring.number]

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._listen()
                self._ready.set()
                self._stop.wait(AGAIN_S)
        except BaseException as error:
            _log.exception("counting on this line ended")
            self._crashed(error)

    def _listen(self) -> None:
        """Count until the end, or until the inputs are gone."""
        source: EdgeSource | None = None
        try:
            source = self._source(self._settings, tuple(self._wirings))
            self._is_there()
            while not self._stop.is_set():
                heard = source.wait(POLL_S)
                with self._files.lock:
                    for one in heard:
                        if one.number in self._inputs:
                            self._inputs[one.number].put(one)
                    self._line.poll()
                self._tell()
        except OSError as error:
            self._is_gone(error)
        finally:
            if source is not None:
                source.close()

    def _is_there(self) -> None:
        with self._files.lock:
            seconds = max(0, self._clock.now_s() - self._unheard_since_s)
            if self._gone != _NOT_YET:   # Until then the counters tell by their last records.
                for _, counter in self._counters.values():
                    counter.unheard(seconds)
            self._gone = ""
        self._ready.set()
        _log.info("line %s: counting %d inputs of %s", self._settings.name, len(self._inputs),
                  self._settings.port)

    def _is_gone(self, error: OSError) -> None:
        with self._files.lock:
            if not self._gone:           # Else it was not there before either.
                self._unheard_since_s = self._clock.now_s()
            self._gone = sentence(error)
        _log.warning("line %s: %s: %s", self._settings.name, self._settings.port, self._gone)

    def _tell(self) -> None:
        """Have the events of those counters read that have new ones."""
        now = time.monotonic()
        for number, (index, counter) in self._counters.items():
            if counter.told > self._events[number] and now >= self._told_at[number] + TELL_AGAIN_S:
                self._events[number], self._told_at[number] = counter.told, now
                self._told(index)


def sentence(error: OSError) -> str:
    """Why inputs cannot be had, and what to do."""
    return _SENTENCES.get(error.errno or 0, str(error))


def source_of(line: config.Line, inputs: tuple[Wiring, ...]) -> EdgeSource:
    """The inputs that a configuration asks for, opened. Raises OSError."""
    if line.port.startswith(gpio.SCHEME):
        return gpio.GpioEdges(line.port.removeprefix(gpio.SCHEME), inputs, gpio.gpiod())
    return edge_socket.SocketEdges(line.port.removeprefix(edge_socket.SCHEME))
