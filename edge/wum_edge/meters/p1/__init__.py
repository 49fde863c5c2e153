"""Telegrams that a meter pushes in plain text: DSMR P1 and mode D of IEC 62056-21."""
