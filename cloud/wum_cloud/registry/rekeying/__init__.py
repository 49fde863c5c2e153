"""Another key for the head-end's secrets: everything in the database is sealed anew with it."""
