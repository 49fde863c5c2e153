"""Stations of a mesh are told its network's new key."""
