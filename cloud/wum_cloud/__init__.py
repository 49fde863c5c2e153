"""The WUM head-end."""
