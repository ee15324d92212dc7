"""The commands of an installation without a checkout: `precast` and `precast-web` (`precast-worker` is in `worker`)."""

from __future__ import annotations

import os
import sys

import flask.cli
from gunicorn.app.wsgiapp import run

# Named in full: Flask would take `create_app`, which the module imports, for its factory.
_APPLICATION = "precast_app.wsgi:make_app()"


def manage() -> None:
    """Run a `flask` command on this application, for example `precast db upgrade`."""
    os.environ["FLASK_APP"] = _APPLICATION
    flask.cli.main()


def serve() -> None:
    """Serve the application with gunicorn; further arguments are gunicorn's, for example `--bind 127.0.0.1:8000`."""
    sys.argv[1:1] = ["--config", "python:precast_app.gunicorn_config", _APPLICATION]
    run()
