"""What a process counts of itself, and what it tells the others of it."""
