"""Import profiles: how files in an office's own shape are read."""
