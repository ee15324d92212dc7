"""The functions of the job types: one module each, with a function `run`."""
