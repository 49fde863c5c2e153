"""Concentrators that are planned before anybody has them."""
