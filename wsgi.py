"""The web process: `gunicorn wsgi:app`; `flask` finds the application here too."""

from precast_app import create_app

app = create_app()
