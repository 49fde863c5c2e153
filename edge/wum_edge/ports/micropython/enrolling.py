"""A board that was not let in yet: it asks by its claim code, then opens its first epoch.

Left out: what is said (enrolment/joining.py), what is kept (claiming.py). Whoever types the code in
stands beside it: it asks every few seconds at first, and as seldom as others after a while.
"""

import os

from wum_edge.enrolment.joining import Claiming
from wum_edge.ports.micropython.claiming import CRYPTO, BadKeys
from wum_edge.uplink.reconnect import Reconnect
from wum_shared.errors import WireError
from wum_shared.ids import id_to_text
from wum_shared.topics import DOWN, ENROL, UP, topic

AGAIN_MS = 10000             # From a question to the next: a grant is given 16 times at most.
SOON_MS = 5000               # From a try to come in to the next ...
SOON_FOR_MS = 1800000        # ... for so long after a start.


class Waits(Reconnect):
    """As Reconnect has it, but for the first half hour."""

    def __init__(self, dice, clock):
        super().__init__(dice)
        self._own_dice, self._clock = dice, clock
        self._until_ms = clock.monotonic_ms() + SOON_FOR_MS

    def first_ms(self, up_ms):
        """See Reconnect."""
        return self._own_dice.below(SOON_MS // 2)

    def wait_ms(self):
        """See Reconnect."""
        if self._clock.monotonic_ms() < self._until_ms:
            return SOON_MS // 2 + self._own_dice.below(SOON_MS // 2)
        return super().wait_ms()


class Enrolling:
    """`connect` makes a broker's connection of user, passwords, subscription and who hears."""

    def __init__(self, own, connect, clock, log):
        self._own, self._connect, self._clock, self._log = own, connect, clock, log
        self._message, self._take, self._to = b"", None, ""
        self._said = ""
        self._session = self._due_ms = 0
        self._waiting = None
        self.broker = None

    def tick(self):
        """Do what is due; whether it is over. One thing in a turn: each takes a while."""
        if self._own.is_enrolled:
            return True
        if self._waiting is not None:
            heard, self._waiting = self._waiting, None
            self._answered(heard)
        elif self.broker is None:
            self._begin()
        else:
            self.broker.tick()
            self._ask(self._clock.monotonic_ms())
        return False

    def words(self):
        """Where it stands, for a person; never the code."""
        if self._own.is_granted:
            return "claimed, and its keys are being made"
        return "not claimed yet: type its claim code in the console, under New concentrators"

    def _begin(self):
        own = self._own
        try:
            if own.is_granted:
                opening = own.begin_epoch()
                user, passwords = own.identity().concentrator, own.passwords
                self._message, self._take = opening.message(), self._opened(opening)
            else:
                talk = Claiming(CRYPTO, own.identity(), own.claim(), os.urandom(16))
                user, passwords = talk.name, lambda: [talk.password]
                self._message, self._take = talk.request(), self._granted(talk)
        except (OSError, BadKeys) as error:
            self._tell("it cannot ask: %s" % error)
            return
        self._to, self._session = topic(user, UP, ENROL), 0
        self.broker = self._connect(
            id_to_text(user), passwords, topic(user, DOWN, ENROL), self._heard)

    def _ask(self, now_ms):
        """At each connection, and again while nobody answers."""
        session = self.broker.session()
        if not session or session == self._session and now_ms < self._due_ms:
            return
        if self.broker.publish(self._to, self._message):
            self._session, self._due_ms = session, now_ms + AGAIN_MS

    def _heard(self, _, message):
        self._waiting = message

    def _answered(self, message):
        try:
            self._take(message)
        except WireError as error:
            self._tell("what came is no answer: %s" % error)
        except OSError as error:
            self._tell("flash does not take what was granted: %s" % error)
        else:
            self.broker.close()
            self.broker = None           # What is next is asked as somebody else.

    def _granted(self, talk):
        def take(message):
            self._own.keep_grant(talk.granted(message))
            self._log.say("claimed: %s" % id_to_text(self._own.identity().concentrator))
        return take

    def _opened(self, opening):
        def take(message):
            renewed = opening.opened(message)
            self._own.keep_renewed(renewed, self._clock.utc_s())
            if renewed.keys is not None:
                self._log.say("keys of epoch %d are in force" % renewed.keys.epoch)
        return take

    def _tell(self, words):
        if words != self._said:
            self._said = words
            self._log.warn(words)
