"""The register sets that the ledger is kept by."""
