"""Consents: signatures of approvers, which a concentrator wants above its cap."""
