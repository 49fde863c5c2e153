"""The second factor: time-based codes (RFC 6238)."""
