"""What the bridge serves inside the Python process. Each module lists its served functions in `__all__`."""
