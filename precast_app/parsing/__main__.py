"""Entry point of the fork server: `python -m precast_app.parsing`."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # openpyxl imports numpy if it is installed. numpy starts threads, and a process with threads can't be forked
    # safely. An entry of None makes the import fail, which openpyxl accepts.
    sys.modules["numpy"] = None  # type: ignore[assignment] # None is how Python blocks an import

    from precast_app.parsing import fork_server

    fork_server.main()
