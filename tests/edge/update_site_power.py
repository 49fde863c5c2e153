"""The power-cut machine over the whole updater: fetching, installing, trial, way back, resuming.

What is left after a cut goes on with the same assignment, from the same head-end.
"""

from tests.edge import updates
from tests.edge.update_power import Model
from tests.edge.update_site import Site, SiteClock, content


class SiteModel(Model):
    """A model with a head-end, which a cut does not reach."""

    def __init__(self):
        super().__init__()
        self.site = None

    def copied(self):
        """With a head-end of its own, as it stands now."""
        twin = Model.copied(self)
        twin.site = self.site
        return twin

    def machine(self, flash):
        """A site on `flash`; its head-end and its time go on from where they are."""
        if self.site is None:
            self.site = Site(flash)
        else:
            clock = SiteClock(self.site.clock.s)
            self.site = Site(flash, self.site.head_end.copied(), clock)
        return self.follow(self.site)

    def update(self, machine, sequence, behaviour=updates.GOOD):
        """By assignment, pieces and trial; each release shares a file with the one before."""
        self.due = sequence if behaviour == updates.GOOD else 0
        return machine.update(sequence, content(sequence, behaviour, 1100, 1100), sequence)
