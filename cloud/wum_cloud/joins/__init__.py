"""What joins rooms that know nothing of one another, for the web, the command line and ingest."""
