"""Trust documents, and the keys that they name."""
