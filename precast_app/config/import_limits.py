"""Defaults and ranges of import options. They are part of the contract with clients, so they are not settings."""

BATCH_SIZE, MIN_BATCH_SIZE, MAX_BATCH_SIZE = 30, 1, 500
CONCURRENT_BATCHES, MIN_CONCURRENT_BATCHES, MAX_CONCURRENT_BATCHES = 15, 1, 32
