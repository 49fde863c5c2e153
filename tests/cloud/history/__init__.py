"""The long run: summaries by day, and what is dropped by age."""
