"""Meters that only give pulses: counted, kept through power cuts, split by a tariff calendar."""
