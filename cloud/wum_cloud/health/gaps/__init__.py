"""What a concentrator was asked for again, and what it answered."""
