"""The time module: what _clock.py has."""

from _clock import *  # noqa: F403
