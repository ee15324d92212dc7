"""How gunicorn waits for clients: in threads of their own, for a bounded time."""
