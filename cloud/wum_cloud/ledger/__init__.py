"""The ledger: for each interval expected, received, late, or missing with the reason."""
