"""gunicorn worker in which slow clients don't block other requests: a thread per connection, a time limit per step."""
