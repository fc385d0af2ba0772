"""What the bridge serves from inside the Python process; each module lists its served functions in `__all__`."""
