"""What concentrators send: genuine, known, decoded, stored, committed, then acknowledged."""
