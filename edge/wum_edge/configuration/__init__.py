"""The configuration that the head-end sends: checked whole, kept over power cuts, and applied."""
