"""The long run: summaries of readings by day, kept up to date, and what is dropped by age."""
