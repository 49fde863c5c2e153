"""Enrolment: claim codes, trust documents, keys of epochs, and who is let in at the broker."""
