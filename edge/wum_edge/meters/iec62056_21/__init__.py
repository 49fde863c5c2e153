"""IEC 62056-21 (modes A to E) and the DSMR P1 port: codecs, conversations, reader."""
