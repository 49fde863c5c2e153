"""Which of a meter's register sets stand in the rows of a day."""
