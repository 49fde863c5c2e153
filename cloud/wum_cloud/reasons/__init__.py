"""Reasons for missing intervals that somebody told, by meter and time or by sequence number."""
