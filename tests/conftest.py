"""Fixtures that every room's tests may ask for. Nothing of a room is imported here."""

pytest_plugins = ("tests.services.postgres", "tests.services.broker")
