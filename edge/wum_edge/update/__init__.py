"""Updates: two slots, two records, and nothing that a power cut can leave without a way back."""
