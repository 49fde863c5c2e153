"""The mesh: concentrators relay for each other over any radio, and none opens what it relays."""
