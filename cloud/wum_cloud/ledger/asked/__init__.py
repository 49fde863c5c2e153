"""Readings that came because they were asked for."""
