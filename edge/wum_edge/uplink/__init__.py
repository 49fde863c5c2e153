"""The uplink: from archive records to sealed batches, and what an acknowledgement moves."""
