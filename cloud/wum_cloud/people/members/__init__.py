"""Accounts of a tenant as its administrators arrange them."""
