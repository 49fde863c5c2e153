"""The meter's side of each protocol, by somebody else's implementation of it."""
