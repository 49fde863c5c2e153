"""The head-end in one sealed file, and back out of it into an empty machine."""
