"""What the head-end orders: taken once, put on record, carried out, and answered."""
