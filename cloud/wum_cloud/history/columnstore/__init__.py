"""What TimescaleDB has compressed."""
