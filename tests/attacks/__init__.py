"""Attacks on a running system that take minutes; run by `make attack`."""
