"""Serve the application: `gunicorn wsgi:app`; `flask` finds it here too. Installed from a wheel: `precast-web`."""

from precast_app.wsgi import make_app

app = make_app()
