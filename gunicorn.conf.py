"""gunicorn's settings; it reads this file from the directory that it is started in."""

from precast_app.gunicorn_config import *  # noqa: F403 # each name is a setting
