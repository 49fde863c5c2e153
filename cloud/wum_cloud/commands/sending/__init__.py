"""Orders on their way, and what comes back."""
