"""The WUM workbench."""
