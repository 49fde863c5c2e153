"""Real services for tests: a PostgreSQL server and an MQTT broker of their own."""
