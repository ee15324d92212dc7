"""A server that receives what OpenTelemetry and Sentry send."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """What was received: the bodies by path, unpacked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.address = f"http://127.0.0.1:{port}"
        self._bodies: list[tuple[str, bytes]] = []

    def add(self, path: str, body: bytes) -> None:
        """Keep a request's body."""
        self._bodies.append((path, body))

    def bodies(self, path: str) -> list[bytes]:
        """Return the bodies that were sent to a path."""
        return [body for found, body in list(self._bodies) if found == path]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a server on a free port for the duration of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.add(self.path, gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received = Receiver(server.server_port)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield received
        finally:
            server.shutdown()
            thread.join()
