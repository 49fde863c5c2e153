"""Promises, one folder per room; `services` holds the real database and broker they need."""
