"""Conditions of concentrators, as they arrive."""
