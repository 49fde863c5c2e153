"""What is new or changed in a registry file, into the registry."""
