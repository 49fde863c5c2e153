"""The archive: 45 days of records on flash, and the queue from which everything is sent."""
