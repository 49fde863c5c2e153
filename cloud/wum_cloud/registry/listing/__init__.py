"""Lists of what is registered, page by page."""
