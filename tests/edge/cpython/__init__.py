"""Tests of the portable gateway that need what only CPython has, or its speed."""
