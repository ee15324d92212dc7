"""`python -m precast_app.parsing`: the program of the fork server."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # openpyxl loads numpy where it is installed, for cells that hold numpy's numbers. It brings threads, and a process
    # with threads can't be forked safely. So it is made to fail before the parsers are imported.
    sys.modules["numpy"] = None  # type: ignore[assignment] # how an import is made to fail

    from precast_app.parsing import server

    server.main()
