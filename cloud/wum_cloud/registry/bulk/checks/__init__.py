"""What rows of a registry file must not have in common, or need of one another."""
