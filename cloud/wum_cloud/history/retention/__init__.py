"""Readings that are older than they are to be kept: dropped week by week, and never in silence."""
