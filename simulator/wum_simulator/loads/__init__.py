"""Recorded consumption of real homes, in files beside this one; README.md says whose."""
