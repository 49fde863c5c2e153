"""Days of which nothing was told, counted without looking at single intervals."""
