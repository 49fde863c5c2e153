"""Commands: what people ask of concentrators, and what became of it."""
