"""Webhooks and e-mail about jobs: an outbox that is filled in a job's transaction, and the sender that empties it."""
