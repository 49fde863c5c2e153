"""What speaks of an attack, and calls a person."""
