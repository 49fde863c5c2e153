"""Concentrators are told which groups their meters are in."""
