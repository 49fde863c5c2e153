"""Answers to gap requests."""
