"""What the database says of the fleet, for a monitoring system."""
