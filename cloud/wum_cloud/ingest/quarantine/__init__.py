"""What ingest set aside, with its bytes and the reason, within limits."""
