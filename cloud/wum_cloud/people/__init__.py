"""People and other systems: who they are and what they may do."""
