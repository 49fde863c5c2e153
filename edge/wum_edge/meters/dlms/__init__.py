"""DLMS/COSEM: the codecs, the conversations of a client, and what a meter pushes by itself."""
