"""Schedules of the registry: how often meters, and registers of them, are to be read."""
