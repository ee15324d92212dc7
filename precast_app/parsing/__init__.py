"""Opens people's files in a child process with bounded memory and time, so that no file can harm the web process."""

from precast_app.parsing.service import CODES, Parsing, get, init_app, limits, start_early

__all__ = ["CODES", "Parsing", "get", "init_app", "limits", "start_early"]
