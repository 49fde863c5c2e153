"""Tests of the head-end, on a real database."""
