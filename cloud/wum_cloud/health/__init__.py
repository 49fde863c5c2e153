"""How ingest fares: counters, quarantine, events, completeness."""
