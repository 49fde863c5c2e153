"""Register sets: one row for each layout that any schema ever named."""
