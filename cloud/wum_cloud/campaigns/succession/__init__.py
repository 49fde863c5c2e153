"""Who signs releases, and how that changes: documents of root keys, taken in and told on."""
