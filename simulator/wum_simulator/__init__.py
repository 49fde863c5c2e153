"""The WUM town: meters, buses, radio and faults from one seed."""
