"""New keys for a board that runs: its flash, its clock and its connection around Renewal.

The connection is delivery's: a station without an uplink asks through the mesh. Left out: when
(enrolment/renewal.py), what is said (enrolment/joining.py).
"""

import os

from wum_edge.enrolment.renewal import Questions, Renewal
from wum_edge.ports.micropython.claiming import BadKeys
from wum_edge.uplink.counter import CHANCE_BYTES, Counter, CounterDoubtful, first_start
from wum_shared.errors import WireError
from wum_shared.topics import ENROL, UP, topic

EPOCH_S = 86400              # How long keys are used, about.
FIRST_S = 60                 # After a start: not before what waited has begun to go.
CLOCK_MS = 600000            # So long network time is waited for, which says how old they are.


class Renewing:
    """Opens epochs and puts their keys in force: `rekey` is given keys and their counter."""

    def __init__(self, own, flash, broker, clock, dice, rekey, log):
        self._own, self._flash, self._clock, self._log = own, flash, clock, log
        self._dice, self._rekey, self._broker = dice, rekey, broker
        self._questions = Questions(broker, topic(own.identity().concentrator, UP, ENROL), dice)
        self._renewal = None
        self._waiting = None
        self._told = ""

    def tick(self):
        """Ask for new keys when it is time, and take them. One thing in a turn."""
        now_ms = self._clock.monotonic_ms()
        if self._renewal is None:
            if not self._clock.is_set() and now_ms < CLOCK_MS:
                return
            self._renewal = Renewal(
                self._own.begin_epoch, self._questions, EPOCH_S * 1000,
                now_ms + self._wait_ms() + self._questions.spread_ms(EPOCH_S * 1000))
        if self._waiting is not None:
            message, self._waiting = self._waiting, None
            self._answered(message)
        elif self._broker.session():
            try:
                self._renewal.tick(now_ms)
            except (OSError, BadKeys) as error:      # Flash refuses: the keys in use go on.
                self._tell("no new keys for now: %s" % error)

    def heard(self, message):
        """Keep the answer for the next turn: it may come while a meter is waited for."""
        self._waiting = message

    def _answered(self, message):
        opening = self._renewal.opening
        if opening is None:
            return                       # It came twice.
        try:
            renewed = opening.opened(message)
        except WireError as error:
            self._tell("what came is no answer to our opening: %s" % error)
            return
        counter = None
        try:
            if renewed.keys is not None:
                counter = Counter(self._flash, renewed.keys.key_id,
                                  first_start(os.urandom(CHANCE_BYTES)))
            self._own.keep_renewed(renewed, self._clock.utc_s())
        except (OSError, CounterDoubtful) as error:
            self._tell("new keys came and cannot be kept, those in use go on: %s" % error)
            return
        self._renewal.answered(self._clock.monotonic_ms(), is_done=renewed.keys is not None)
        if renewed.keys is not None:
            self._rekey(renewed.keys, counter)
            self._log.say("keys of epoch %d are in force" % renewed.keys.epoch)

    def _wait_ms(self):
        """Until they are as old as they may get. A clock that is wrong brings new ones too early,
        or after one whole epoch. Give or take a minute, so that a fleet does not ask together."""
        age_s = self._clock.utc_s() - self._own.opened_s
        left_s = min(max(EPOCH_S - age_s, 0), EPOCH_S) if age_s >= 0 else 0
        first_s = min(FIRST_S, EPOCH_S)
        return max(left_s, first_s) * 1000 + self._dice.below(first_s * 1000)

    def _tell(self, words):
        if words != self._told:
            self._told = words
            self._log.warn(words)
