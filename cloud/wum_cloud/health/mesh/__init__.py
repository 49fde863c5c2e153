"""Meshes: who stands where, and how well they hear each other."""
