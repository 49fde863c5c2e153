"""How the ledger's summaries are counted, and what keeps them up to date."""
