"""Schemas of the past and the present, as batches are read by them."""
