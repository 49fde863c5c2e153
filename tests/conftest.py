"""Fixtures that every room's tests may ask for. Nothing of a room is imported here."""

import gc

pytest_plugins = ("tests.services.postgres", "tests.services.broker")

# Tests make many small things and keep most of them: looking for circles after each 700 costs a
# fifth of the processor time of a simulated street. What circles leave open is still found, at
# the end at the latest, when pytest collects by itself.
gc.set_threshold(20_000, 20, 50)
