"""The updater: from an assignment to a release that is home, or back.

    taken -> fetching -> staged -> (window, and the head-end says go on) -> on trial -> confirmed

What it knows after a start it finds: the assignment in a file, pieces and slots as they are, the
rest in the boot record. Portable, one thread; a tick does bounded work. Left out: the order that
brings an assignment, the connection, the restart itself (ports).
"""

from wum_edge.archive.flash import NO_SPACE, Flash, read_whole
from wum_edge.clock import Clock
from wum_edge.log import Log
from wum_edge.update import boot as boots
from wum_edge.update import fetch as fetching
from wum_edge.update import formats, install, slots
from wum_edge.update.boot import FACTORY, Boot, keep_boot, read_boot
from wum_edge.update.fetch import WRONG, Fetch
from wum_edge.update.install import Installer
from wum_edge.update.offer import OfferRefused, Rules, check_space, genuine, judge
from wum_edge.update.trial import Trial
from wum_edge.update.trusted import Trusted
from wum_shared import cbor, fields, updates
from wum_shared.cipher import Verifier
from wum_shared.errors import Malformed, WireError
from wum_shared.messages import SEQUENCE_MAX, TIME_MAX_S
from wum_shared.status import NEVER_SET
from wum_shared.suit import CHUNK_SIZE, Release
from wum_shared.updates import Assignment, Pieces, Standing, Want

RETRY_MS = 60_000             # After flash has refused.
FILES_A_TICK = 4              # Of some milliseconds each: the archive has its turn between them.
NAME = "assignment"
_FILE_MAX = updates.DEMAND_BYTES_MAX + 16

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable


class Updater:
    """The updates of one concentrator, which runs from `slot`."""

    def __init__(
            self, *, flash: Flash, slot: int, rules: Rules, verifier: Verifier, clock: Clock,
            log: Log, chance: "Callable[[int], bytes]", has_meters: bool,
            files_a_tick: int = FILES_A_TICK,
    ) -> None:
        """Find where the last start left off. Raises OSError."""
        self._flash, self._slot = flash, slot
        self._verifier, self._clock, self._log = verifier, clock, log
        self._chance = chance
        self._trusted = Trusted(flash, rules, verifier, log)
        self._files_a_tick = files_a_tick
        self._number, self._assignment = 0, None  # type: tuple[int, Assignment | None]
        self._release: Release | None = None
        self._fetch: Fetch | None = None
        self._installer: Installer | None = None
        self._is_staged = False
        self._may_begin = False
        self._retry_ms = clock.monotonic_ms()
        self._nonce = chance(updates.NONCE_SIZE)
        self.wrong = 0               # Pieces that were none of the release's, since the start.
        self.restart = False         # Whether the port is to end, and to be started again.
        self._boot = read_boot(flash)
        self._trial = None if self._boot.trial != slot or slot == FACTORY else Trial(
            clock.monotonic_ms(), has_meters=has_meters)
        # Home runs while another slot is on trial: flash let nobody count a try (start.py).
        self._is_uncounted = self._boot.trial not in (None, slot)
        if self._is_uncounted:
            log.warn("%s; what was home runs" % self._failure())
        if self._boot.trial is None and slot == self._boot.spare and self._boot.slots[slot][0]:
            self._keep(self._boot.fallen_back(slot))
        self._resume()

    @property
    def state(self) -> int:
        """One of updates.STATES."""
        if self._trial is not None:
            return updates.TRIAL
        if self._release is not None:
            return updates.STAGED if self._is_staged else updates.FETCHING
        if self._is_uncounted:
            return updates.REVERTED
        if self._boot.failed:
            is_off = self._boot.failed_why == boots.ABORTED
            return updates.CALLED_OFF if is_off else updates.REVERTED
        return updates.CONFIRMED if self._boot.assigned else updates.IDLE

    def assigned(self, number: int, assignment: Assignment) -> Release:
        """Take assignment `number`, which is an order's; what is to run. Raises OfferRefused,
        OSError."""
        release = self.check(number, assignment)
        if self._release is not None and self._release.digest != release.digest:
            fetching.forget(self._flash)
        self._flash.replace(NAME, cbor.encode([number, updates.encode_demand(assignment)]))
        self._keep(self._boot.taken(number))
        self._log.say("update to release %d taken" % release.sequence)
        self._begin(number, assignment, release)
        return release

    def check(self, number: int, assignment: Assignment) -> Release:
        """The release that would be taken, were it assigned. Raises OfferRefused."""
        if self._boot.trial is not None:
            raise OfferRefused("a version is on trial")
        if self._clock.quality() != NEVER_SET and self._clock.now_s() >= assignment.ends_s:
            raise OfferRefused("the assignment's window is over")
        release = judge(self._verifier, self._trusted.rules, self._boot, self._running()[0], number,
                        assignment)
        check_space(release, self._flash.space_left())
        return release

    def called_off(self, number: int) -> None:
        """Assignments up to `number` are called off. Raises OSError."""
        if self._boot.trial is not None and self._boot.assigned <= number:
            self._keep(self._boot.given_up(boots.ABORTED))
            self._trial, self.restart = None, True
        elif self._release is not None and self._number <= number:
            self._drop(boots.ABORTED)

    def check_succession(self, documents: tuple[bytes, ...]) -> None:
        """Whether these would be followed. Raises OfferRefused."""
        self._trusted.check(documents)

    def succeeded(self, documents: tuple[bytes, ...]) -> int:
        """Follow these: the number of the document that holds now. What was signed by keys that are
        given up is neither begun nor confirmed; what is home stays. Raises OfferRefused, OSError.
        """
        if self._trusted.take(documents):
            self._log.say("release keys are those of document %d" % self._trusted.number)
            found = _read(self._flash)
            if found is not None and not self._is_genuine(found[1]):
                self._give_up_untrusted()
        return self._trusted.number

    def confirmed(self, confirmation: updates.Confirmation) -> None:
        """The head-end heard what was told last: it is not called off, and may go on."""
        if confirmation.nonce != self._nonce:
            return
        if self._trial is not None and confirmation.digest == self._running()[1]:
            self._trial.answered()
        elif self._release is not None and confirmation.digest == self._release.digest:
            self._may_begin = self._is_staged

    def archived(self, *, has_row: bool) -> None:
        """Flash took records of this version; whether a meter's row was among them."""
        if self._trial is not None:
            self._trial.archived(has_row=has_row)

    def heard(self, pieces: Pieces) -> None:
        """Keep the pieces that are wanted."""
        if self._fetch is None or self._release is None or self._is_waiting() or (
                pieces.digest != self._release.digest):
            return
        try:
            for at in range(0, len(pieces.data), CHUNK_SIZE):
                place = pieces.first + at // CHUNK_SIZE
                piece = pieces.data[at:at + CHUNK_SIZE]
                self.wrong += self._fetch.take(pieces.part, place, piece) == WRONG
        except Malformed as error:
            self._log.warn("update dropped: %s" % error)
            self._drop(boots.BAD_CONTENT)
        except OSError as error:
            self._refused(error)

    def want(self) -> Want | None:
        """What is to be asked for; None while nothing is."""
        if self._fetch is None or self._release is None or self._is_staged or self._is_waiting():
            return None
        part, ranges = self._fetch.missing()
        return Want(self._release.digest, part, ranges) if ranges else None

    def lying(self) -> list[tuple[int, bytes, Fetch | None]]:
        """Where releases lie that others may have of us, and their digests: in the slot that runs,
        staged in the spare one, or in pieces.
        """
        found: list[tuple[int, bytes, Fetch | None]] = []
        if self._boot.trial is None and self._slot == self._boot.home != FACTORY:
            found.append((self._slot, self._running()[1], None))
        if self._release is not None and self._is_staged:
            found.append((self._boot.spare, self._release.digest, None))
        elif self._release is not None and self._fetch is not None:
            found.append((self._slot, self._release.digest, self._fetch))
        return found

    def standing(self) -> Standing:
        """What is told to the head-end; it answers with the nonce in it."""
        have, of = (0, 0) if self._fetch is None else self._fetch.counted()
        note = ""
        if self._trial is not None:
            note = "" if not self._trial.lacks else boots.WHYS[self._trial.lacks]
        elif self._release is None and (self._boot.failed or self._is_uncounted):
            note = self._failure()
        sequence, digest = self._running()
        return Standing(
            self._boot.assigned, self.state, sequence, digest, have, of,
            min(max(0, self._clock.now_s()), TIME_MAX_S), self._nonce, note, self._trusted.number)

    def _failure(self) -> str:
        """Which release was given up, or has to be, and why."""
        boot = self._boot
        sequence, why = boot.failed, boot.failed_why
        if self._is_uncounted and boot.trial is not None:
            sequence, why = boot.slots[boot.trial][0], boot.why or boots.NO_FLASH
        return "release %d: %s" % (sequence, boots.WHYS.get(why, "unknown"))

    def tick(self) -> None:
        """Do what is due: a few files are written at most."""
        now_ms = self._clock.monotonic_ms()
        if self._is_waiting() or self.restart:
            return
        try:
            if self._trial is not None:
                self._try(self._trial, now_ms)
            elif self._is_uncounted:
                self._keep(self._boot.given_up(self._boot.why or boots.NO_FLASH))
                self._is_uncounted = False
                self._forget()
            elif self._release is not None:
                self._go_on(self._release)
        except OSError as error:
            self._refused(error)

    def _try(self, trial: Trial, now_ms: int) -> None:
        is_over = trial.is_over(now_ms)
        if trial.lacks and not is_over:
            return
        try:
            self._keep(self._boot.lacking(trial.lacks) if trial.lacks else self._boot.confirmed())
        except OSError:
            if not is_over:
                raise
            # It cannot come home, and who waits here for room waits until something ends it.
            self._log.warn("this version gives up: %s" % boots.WHYS[boots.NO_FLASH])
            self.restart = True
            return
        if trial.lacks:
            self._log.warn("this version gives up: %s" % boots.WHYS[trial.lacks])
            self.restart = True
            return
        self._trial = None
        self._log.say("release %d is confirmed" % self._boot.sequence)
        self._forget()

    def _go_on(self, release: Release) -> None:
        assert self._assignment is not None
        is_known = self._clock.quality() != NEVER_SET
        now_s = self._clock.now_s()
        if is_known and now_s >= self._assignment.ends_s:
            self._drop(boots.WINDOW_OVER)
        elif not self._is_staged:
            self._put_together(release)
        elif self._may_begin and is_known and now_s >= self._assignment.begins_s:
            self._keep(self._boot.armed(
                release.sequence, release.digest, self._assignment.floor))
            self.restart = True

    def _put_together(self, release: Release) -> None:
        assert self._fetch is not None
        self._fetch.sync()
        if not self._fetch.is_complete:
            return
        if self._installer is None:
            if self._boot.slots[self._boot.spare][0]:
                self._keep(self._boot.cleared())
            self._installer = Installer(self._flash, self._fetch, self._boot.spare,
                                        install.at_hand(self._flash, self._slot))
        for _ in range(self._files_a_tick):
            if self._installer.step():
                self._installer = None
                self._look_at_slot(release)
                return

    def _look_at_slot(self, release: Release) -> None:
        """Staged is what is whole, and can live with the archive that is there."""
        if not slots.is_whole(self._flash, self._boot.spare, release.digest):
            self._drop(boots.BAD_CONTENT)
        elif not formats.fit(self._flash, self._boot.spare):
            self._drop(boots.FORMATS)
        else:
            fetching.forget(self._flash)
            self._is_staged = True
            self._nonce = self._chance(updates.NONCE_SIZE)

    def _resume(self) -> None:
        if self._boot.trial is not None:
            return                       # Ours, or one that flash let nobody count a try of.
        found = _read(self._flash)
        if found is None:
            self._forget()
            return
        number, assignment = found
        try:
            release = genuine(self._verifier, self._trusted.rules, assignment)
        except OfferRefused as error:
            self._log.warn("update forgotten: %s" % error)
            self._forget()
            return
        is_over = self._boot.failed or release.digest == self._running()[1]
        if number < self._boot.assigned or number == self._boot.assigned and is_over:
            self._forget()
        else:
            self._keep(self._boot.taken(number))
            self._begin(number, assignment, release)

    def _begin(self, number: int, assignment: Assignment, release: Release) -> None:
        self._number, self._assignment, self._release = number, assignment, release
        self._installer, self._may_begin = None, False
        self._is_staged = (slots.is_whole(self._flash, self._boot.spare, release.digest)
                           and formats.fit(self._flash, self._boot.spare))
        self._nonce = self._chance(updates.NONCE_SIZE)
        try:
            self._fetch = None if self._is_staged else Fetch(
                self._flash, release, set(install.at_hand(self._flash, self._slot)))
        except Malformed as error:
            self._log.warn("update dropped: %s" % error)
            self._drop(boots.BAD_CONTENT)

    def _is_genuine(self, assignment: Assignment) -> bool:
        try:
            genuine(self._verifier, self._trusted.rules, assignment)
        except OfferRefused:
            return False
        return True

    def _give_up_untrusted(self) -> None:
        if self._boot.trial is not None:
            self._keep(self._boot.given_up(boots.UNTRUSTED))
            self._trial, self.restart = None, True
        elif self._release is not None:
            self._drop(boots.UNTRUSTED)

    def _drop(self, why: int) -> None:
        assert self._release is not None
        self._log.warn("release %d dropped: %s" % (self._release.sequence, boots.WHYS[why]))
        self._keep(self._boot.dropped(self._release.sequence, why))
        self._forget()

    def _forget(self) -> None:
        """Take away the assignment and what was fetched for it."""
        self._release = self._assignment = self._fetch = self._installer = None
        self._is_staged = False
        if NAME in self._flash.names():
            self._flash.remove(NAME)
        fetching.forget(self._flash)

    def _refused(self, error: OSError) -> None:
        self._log.warn("update waits, flash refuses: %s" % error)
        self._retry_ms = self._clock.monotonic_ms() + RETRY_MS
        if error.args[0] == NO_SPACE and self._release is not None and self._trial is None:
            try:
                fetching.forget(self._flash)         # Readings need the room more.
                self._drop(boots.NO_ROOM)
            except OSError as again:
                self._log.warn("and again: %s" % again)

    def _is_waiting(self) -> bool:
        return self._clock.monotonic_ms() < self._retry_ms

    def _keep(self, boot: Boot) -> None:
        if boot != self._boot:
            self._boot = keep_boot(self._flash, boot)

    def _running(self) -> tuple[int, bytes]:
        """Sequence and digest of the release that runs."""
        if self._slot == FACTORY:
            return 0, updates.HOME_FACTORY
        return self._boot.slots[self._slot]


def _read(flash: Flash) -> tuple[int, Assignment] | None:
    """The assignment that was taken; None where there is none that can be read. Raises OSError."""
    data = read_whole(flash, NAME, _FILE_MAX)
    if data is None:
        return None
    try:
        number, demand = fields.record(cbor.decode(data), 2, "kept assignment")
        if type(demand) is not bytes:
            return None
        assignment = updates.decode_demand(demand)
        return (fields.number(number, 1, SEQUENCE_MAX, "kept assignment"), assignment
                ) if type(assignment) is Assignment else None
    except WireError:
        return None
