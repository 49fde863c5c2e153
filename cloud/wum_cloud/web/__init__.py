"""The head-end's face: the API and the console, on one FastAPI application."""
