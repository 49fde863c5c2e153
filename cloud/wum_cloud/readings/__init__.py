"""Readings as load profiles: what a meter gave in a span, and what is missing from it."""
