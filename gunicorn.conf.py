"""How gunicorn serves the application; it reads this file by itself from the folder it is started in."""

import os

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"

# Threads, since a request mostly waits: for the database, or for the next bytes of a slow upload. A sync worker would
# be killed in the middle of an upload that takes longer than `timeout`; a threaded one goes on saying it is alive.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60

# Shorter than the 30 seconds that Heroku leaves between SIGTERM and SIGKILL.
graceful_timeout = 20

# Each worker makes its own application: connections to the database must not be shared over a fork.
preload_app = False

# Nothing uses the control socket, which would lie in the home directory and be shared by every gunicorn of the user.
control_socket_disable = True

accesslog = "-"
