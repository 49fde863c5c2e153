"""Campaigns as people ask for them and look at them."""
