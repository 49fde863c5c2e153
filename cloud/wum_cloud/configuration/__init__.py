"""The configuration of concentrators as a twin: what is wanted, what was sent, what is in force."""
