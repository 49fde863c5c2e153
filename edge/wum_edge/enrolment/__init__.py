"""How this concentrator is let in by a head-end. The conversation; a port sends and keeps."""
