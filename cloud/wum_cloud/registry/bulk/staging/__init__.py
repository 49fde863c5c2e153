"""Rows of a registry file in a temporary table, in which they are checked and merged."""
