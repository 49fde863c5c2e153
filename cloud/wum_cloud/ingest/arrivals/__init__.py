"""Batches that came, and what was refused of them, for the ledger."""
