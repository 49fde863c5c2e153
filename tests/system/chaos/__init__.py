"""The chaos simulation: real gateways, the real ingest, and a network that does what it likes."""
