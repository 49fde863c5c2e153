"""Commands at the head-end."""
