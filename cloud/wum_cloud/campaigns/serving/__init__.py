"""What runs beside ingest for campaigns: standings heard, pieces served, steps taken."""
