"""Run the worker process: `python worker.py`. Installed from a wheel, the command is `precast-worker`."""

import sys

from precast_app.worker import main

if __name__ == "__main__":
    sys.exit(main())
