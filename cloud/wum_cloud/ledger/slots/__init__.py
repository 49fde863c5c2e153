"""The intervals of a meter's register sets, with the state of each."""
