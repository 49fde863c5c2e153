"""Wired M-Bus: frames, records and their meaning, a master's conversations (EN 13757-2, -3)."""
