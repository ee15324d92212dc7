"""Data to files that people open: what goes out can come back in."""
