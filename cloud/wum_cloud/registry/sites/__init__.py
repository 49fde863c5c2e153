"""The tree of sites: which place lies in which."""
