"""Benchmarks of imports and exports against baselines that are measured in the same run: `python -m bench`."""
