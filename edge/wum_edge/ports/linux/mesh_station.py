"""One station of the mesh on Linux: the relay, its ports and its store, in a thread of their own.

The thread waits for datagrams, for the modem and for the relay's next deadline, and does what the
relay says. Everybody else comes in by `with_relay`, under one lock. Left out: what is carried
(carry/), what the ports are (mesh_udp.py, mesh_modem.py).
"""

import contextlib
import logging
import os
import selectors
import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.frames import ALL, JOIN, WELCOME, Malformed, decode_header
from wum_edge.mesh.hearing import is_flooded
from wum_edge.mesh.joiner import Joiner
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.timing import IDLE, WIRE_SNR_Q4
from wum_edge.ports.linux.mesh_store import MeshStore, NonceStore
from wum_edge.ports.linux.mesh_udp import UdpPort

WAIT_MAX_S = 1.0             # For a modem whose device is away, and is to be looked for.
_REFUSED_US = 1_000_000      # Until the relay hears that a frame was not sent, for flash refuses.
_SENT_BY_WIRE_US = 1         # "Sent", as an airtime: none is counted.
_log = logging.getLogger("wum_edge.mesh")
Answer = TypeVar("Answer")


class Modem(Protocol):
    """A radio at this host. Every method returns at once; what happened comes out of `step`."""

    def fileno(self) -> int | None: ...

    def send(self, frame: bytes, rate: int, word: int, token: int, has_cad: bool) -> None: ...

    def listen(self, rate: int, word: int) -> None: ...

    def step(self, now_us: int) -> list[tuple[object, ...]]:
        """("rx", frame, rssi_dbm, snr_q4, rate) and ("sent", token, airtime_us)."""
        ...

    def deadline_us(self) -> int | None: ...

    def frame_extra_us(self) -> int:
        """What a full frame takes besides its airtime: for the relay's patience."""
        ...

    def close(self) -> None: ...


class Station:
    """Runs a relay until `stop`. `tell` is called in its thread with what is none of the ports'
    business: ("deliver", ...), ("done", ...) and what else the relay says.
    """

    def __init__(
            self, relay: Relay, store: MeshStore, tell: Callable[[tuple[object, ...]], None],
            crashed: Callable[[BaseException], None], *, udp: UdpPort | None = None,
            modem: Modem | None = None,
    ) -> None:
        self.relay, self.udp, self.modem = relay, udp, modem
        self.joiner: Joiner | None = None
        self._nonces: NonceStore | None = None
        self._may_ask = True         # Flash has taken the number of the next request to join.
        self._store, self._tell, self._crashed = store, tell, crashed
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        # (When, token, airtime) of frames that no modem reports.
        self._sent: list[tuple[int, int, int]] = []
        self._owed: tuple[int, int] | None = None        # What the store has not taken yet.
        self._told: list[tuple[object, ...]] = []
        self._has_told = False
        self._last_us = 0
        self._fit(relay)
        self._thread = threading.Thread(target=self._run, name="mesh", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Let go of the ports; what is in custody here is sent again from its archives."""
        self._ending.set()
        os.eventfd_write(self._wake, 1)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def with_relay(self, act: Callable[[Relay, int], Answer]) -> Answer:
        """Do something with the relay, now; what follows from it is done by the thread."""
        with self._lock:
            answer = act(self.relay, self._now_us())
        os.eventfd_write(self._wake, 1)
        return answer

    def _fit(self, relay: Relay) -> None:
        """Patience for what a frame takes besides its airtime."""
        if self.modem is not None:
            extra_us = self.modem.frame_extra_us()
            relay.frame_us = [us + extra_us for us in relay.frame_us]

    def join(self, joiner: Joiner, nonces: NonceStore) -> bool:
        """Ask to be admitted; the relay rests meanwhile. False: it is in the middle of something.
        """
        with self._lock:
            if self.relay.sending or self.relay.mode != IDLE:
                return False
            self.joiner, self._nonces = joiner, nonces
        os.eventfd_write(self._wake, 1)
        return True

    def go_on(self, relay: Relay | None = None) -> bool:
        """No more of that: the relay goes on, or another one in its place, also when nobody asks
        any more. False as for `join`.
        """
        with self._lock:
            if self.joiner is not None and self.joiner.is_busy or self.joiner is None and (
                    relay is None or self.relay.sending or self.relay.mode != IDLE):
                return False
            self.joiner = None
            if relay is not None:
                self._fit(relay)
                self.relay = relay
        os.eventfd_write(self._wake, 1)
        return True

    @property
    def _core(self) -> Relay | Joiner:
        return self.joiner or self.relay

    def _now_us(self) -> int:
        """Of a clock that runs forward and never shows the same twice."""
        self._last_us = max(time.monotonic_ns() // 1000, self._last_us + 1)
        return self._last_us

    def _run(self) -> None:
        try:
            self._loop()
        except Exception as error:
            _log.exception("the mesh ended")
            self._crashed(error)
        finally:
            for port in (self.udp, self.modem):
                if port is not None:
                    port.close()

    def _loop(self) -> None:
        while not self._ending.is_set():
            self._wait()
            with self._lock:
                self._take()
                now_us = self._now_us()
                due_us = self._core.next_deadline()
                if due_us is not None and now_us >= due_us:
                    self._core.on_tick(now_us)
                self._carry_out()
            told, self._told = self._told, []
            for action in told:
                self._tell(action)

    def _wait(self) -> None:
        """Until a port, a deadline or another thread has something for the relay."""
        with self._lock:
            deadlines = [self._core.next_deadline(), *[at_us for at_us, _, _ in self._sent[:1]]]
            if self.modem is not None:
                deadlines.append(self.modem.deadline_us())
            now_us = self._now_us()
        known = [at_us - now_us for at_us in deadlines if at_us is not None]
        wait_s = min([max(us, 0) / 1_000_000 for us in known] + [WAIT_MAX_S])
        with selectors.DefaultSelector() as selector:
            for handle in self._handles():
                selector.register(handle, selectors.EVENT_READ)
            found = [key.fd for key, _ in selector.select(wait_s)]
        if self._wake in found:
            os.eventfd_read(self._wake)

    def _handles(self) -> list[int]:
        handles = [self._wake]
        if self.udp is not None:
            handles.append(self.udp.fileno())
        modem = self.modem.fileno() if self.modem is not None else None
        return handles if modem is None else [*handles, modem]

    def _take(self) -> None:
        """Hand the relay what the ports have."""
        while self._sent and self._sent[0][0] <= self._now_us():
            _, token, airtime_us = self._sent.pop(0)
            self._core.on_tx_done(self._now_us(), token, airtime_us)
            self._carry_out()
        if self.modem is not None:
            for event in self.modem.step(self._now_us()):
                if event[0] == "rx":
                    _, frame, rssi_dbm, snr_q4, rate = event
                    self._core.on_rx(self._now_us(), frame, rssi_dbm, snr_q4,  # type: ignore[arg-type]
                                     rate)                                    # type: ignore[arg-type]
                else:
                    self._core.on_tx_done(self._now_us(), event[1], event[2])  # type: ignore[arg-type]
                self._carry_out()
        if self.udp is not None:
            for frame, source in self.udp.receive():
                self._heard_by_wire(self.udp, frame, source)
                self._carry_out()

    def _heard_by_wire(self, udp: UdpPort, frame: bytes, source: tuple[str, int]) -> None:
        """A datagram: where its station is, is believed only when the relay took the frame."""
        try:
            station = decode_header(frame).source
        except Malformed:
            udp.refused += 1
            return
        now_us = self._now_us()
        self._core.on_rx(now_us, frame, 0, WIRE_SNR_Q4, self.relay.setting.wire)
        other = self.relay.neighbours.get(station)
        if other is not None and other.heard_at_us == now_us:
            udp.learn(station, source)

    def _carry_out(self) -> None:
        """Do what the relay says. Called with the lock."""
        for action in self._core.actions():
            if action[0] == "nonce":
                self._keep_nonce(action[1])                           # type: ignore[arg-type]
            elif action[0] == "tx":
                self._send(action)
            elif action[0] == "wire":
                if self.udp is not None and self._store_owed():
                    frame = action[1]
                    assert isinstance(frame, bytes)
                    self.udp.send(decode_header(frame).destination, frame)
            elif action[0] == "listen":
                if self.modem is not None:
                    self.modem.listen(action[1], action[2])           # type: ignore[arg-type]
            elif action[0] == "reserve":
                self._owed = (action[1], action[2])                   # type: ignore[assignment]
                self._store_owed()
            elif action[0] == "keep":
                with contextlib.suppress(OSError):       # Kept the next time.
                    self._store.keep_windows(action[1])               # type: ignore[arg-type]
            else:
                self._told.append(action)

    def _keep_nonce(self, nonce: int) -> None:
        """Before anything is sent under it."""
        assert self._nonces is not None
        self._may_ask = False
        try:
            self._nonces.keep(nonce)
            self._may_ask = True
        except OSError as error:
            _log.warning("flash does not take the number of a request to join: %s", error.strerror)

    def _store_owed(self) -> bool:
        """Whether the store holds all that must be there before anything is sent."""
        if self._owed is None:
            return True
        failure = None
        try:
            self._store.keep(*self._owed)
        except OSError as error:
            failure = error
        if failure is None:
            if self._has_told:
                _log.info("flash takes the mesh's counters again")
            self._owed, self._has_told = None, False
            return True
        if not self._has_told:
            self._has_told = True
            _log.warning("nothing is sent into the mesh: flash does not take its counters (%s). "
                         "What comes is heard and kept", failure.strerror)
        return False

    def _send(self, action: tuple[object, ...]) -> None:
        _, token, frame, rate, word, has_cad = action
        assert isinstance(frame, bytes) and isinstance(token, int)
        header = decode_header(frame)
        if not self._store_owed() or (header.kind == JOIN and not self._may_ask):
            self._sent.append((self._now_us() + _REFUSED_US, token, 0))
            return
        # Who joins has no address yet that a neighbour's wire would be known by.
        destination = header.destination
        if is_flooded(header) or header.kind in (JOIN, WELCOME):
            destination = ALL
        is_wire = rate == self.relay.setting.wire
        pace_us = 0
        if self.udp is not None and (is_wire or destination == ALL):
            pace_us = self.udp.send(destination, frame)
        if self.modem is None and not is_wire:       # Over when it would be by radio: hearing.py.
            pace_us = max(pace_us, airtime_us(self.relay.setting.ways[0], len(frame)))
        if is_wire or self.modem is None:
            self._sent.append((self._now_us() + pace_us, token, _SENT_BY_WIRE_US))
        else:
            self.modem.send(frame, rate, word, token, has_cad)        # type: ignore[arg-type]
