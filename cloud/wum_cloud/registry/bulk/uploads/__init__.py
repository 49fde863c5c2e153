"""Registry files that somebody uploaded, from their dry run to the end of their import."""
