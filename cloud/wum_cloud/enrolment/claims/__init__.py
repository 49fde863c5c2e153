"""Claims: codes that operators typed in."""
