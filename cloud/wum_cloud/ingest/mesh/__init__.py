"""Mesh reports, as they arrive."""
