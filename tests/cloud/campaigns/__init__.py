"""Campaigns: the decision core alone, on a real database, and with a fleet."""
