"""What a machine supplies to the gateway: README.md lists it."""
