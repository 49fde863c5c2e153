"""Rows of readings on their way into the table `reading`, each key exactly once."""
