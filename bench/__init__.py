"""Measures the import against its baselines, each in the same run: `python -m bench`."""
