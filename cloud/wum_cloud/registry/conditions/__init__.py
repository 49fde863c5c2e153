"""Flash and clocks of the concentrators, as they say themselves."""
