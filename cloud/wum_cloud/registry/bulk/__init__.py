"""The whole registry as one CSV file: out, in, and a dry run that names every fault by row."""
