"""Chaos: gateways, a broker and a network on one virtual time, and everything that goes wrong."""
