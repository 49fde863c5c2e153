"""The registry as rows of a registry file."""
