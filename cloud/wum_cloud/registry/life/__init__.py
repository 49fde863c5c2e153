"""The life of meters: added, replaced, moved, archived; and where each was when."""
