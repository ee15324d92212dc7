"""What each type of job does: one module for each, with a function `run`."""
