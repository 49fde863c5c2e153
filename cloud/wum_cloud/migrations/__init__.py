"""Numbered migrations of the database, forward only; store.py applies them."""
