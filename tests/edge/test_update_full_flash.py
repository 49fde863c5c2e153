"""A trial on flash that takes no write any more: it ends in the version before, in words."""

from tests.edge.update_site import DEAF, STUCK, Site, content
from tests.edge.updates import GOOD
from wum_edge.archive.flash import NO_SPACE
from wum_edge.update import boot
from wum_edge.update.boot import A, B
from wum_shared import updates as wire
from wum_simulator.flash import SimulatedFlash

TRIAL_TICKS = 25             # Minutes: of a trial's 20, and of a refusal between two tries.
NOTE = "release 7: flash refused what its trial has to write"


class Refusing(SimulatedFlash):
    """Takes nothing while it `refuses`."""

    refuses = False

    def append(self, name, data):
        """See Flash.append."""
        self._refuse()
        super().append(name, data)

    def replace(self, name, data):
        """See Flash.replace."""
        self._refuse()
        super().replace(name, data)

    def remove(self, name):
        """See Flash.remove."""
        self._refuse()
        super().remove(name)

    def _refuse(self):
        if self.refuses:
            raise OSError(NO_SPACE)


def armed(behaviour):
    """A site with release 5 at home, and 7 on trial from the next start."""
    site = Site(Refusing())
    site.update(5, content(5))
    site.head_end.assign(7, content(7, behaviour))
    assert not site.run(A)
    assert boot.read_boot(site.flash).trial == B
    return site


def trial_ends(site, behaviour):
    """Whether the trial that runs asks to be started again in its time."""
    updater = site.wake(B)
    assert updater.state == wire.TRIAL
    return any(site.tick(updater, behaviour) for _ in range(TRIAL_TICKS))


def test_a_trial_ends_in_its_time_though_flash_takes_none_of_its_words():
    for behaviour in (GOOD, STUCK, DEAF):
        site = armed(behaviour)
        assert site.start()[2] == 7
        site.flash.refuses = True
        assert trial_ends(site, behaviour), behaviour
        assert boot.read_boot(site.flash).home == A
        assert site.log.said[-1] == "this version gives up: " + boot.WHYS[boot.NO_FLASH]
        slot, _, sequence = site.start()             # Nor does it take the next try.
        assert (slot, sequence) == (A, 5)


def test_home_says_so_while_flash_refuses_and_gives_the_trial_up_when_it_takes_that():
    site = armed(GOOD)
    site.flash.refuses = True
    assert site.start()[0] == A
    updater = site.wake(A)
    assert site.log.said[-1] == NOTE + "; what was home runs"
    for _ in range(3):
        assert not site.tick(updater)
        assert updater.state == wire.REVERTED and updater.standing().note == NOTE
    site.flash.refuses = False
    site.tick(updater)
    record = boot.read_boot(site.flash)
    assert (record.trial, record.home, record.failed, record.failed_why) == (
        None, A, 7, boot.NO_FLASH)
    assert updater.standing().note == NOTE
    assert site.update(8, content(8)) == (B, 8)      # What comes next is taken.


def test_a_trial_that_flash_lets_confirm_at_last_stays():
    site = armed(GOOD)
    assert site.start()[2] == 7
    updater = site.wake(B)
    site.flash.refuses = True
    for _ in range(5):
        assert not site.tick(updater)
    site.flash.refuses = False
    assert not any(site.tick(updater) for _ in range(3))
    assert boot.read_boot(site.flash).home == B and updater.state == wire.CONFIRMED
