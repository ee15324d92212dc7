"""Write a migration from the changes of the models: `python -m devstack.migration "embedded parts"`.

The models are compared with a private database that has all migrations so far and is deleted afterwards. The file is
named by the next number and the text, such as `0025_embedded_parts.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from devstack import DevstackError, servers

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ROOT / "migrations" / "versions"
_FLASK_DB = [sys.executable, "-m", "flask", "db"]


def next_number() -> str:
    """Return the number of the next migration, in four digits."""
    return f"{max(int(path.name[:4]) for path in VERSIONS.glob('[0-9]*_*.py')) + 1:04}"


def main() -> int:
    """Write the migration; return 0, or what a failed command returned."""
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        print('Say in a few words what changes: make migration NAME="embedded parts"', file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory() as folder, servers(Path(folder), durable=False) as started:
            environment = {
                **os.environ,
                "DATABASE_URL": started.database_url,
                "REDIS_URL": started.redis_url,
                "SECRET_KEY": os.urandom(32).hex(),
            }
            for command in (["upgrade"], ["migrate", "--rev-id", next_number(), "-m", sys.argv[1].strip()]):
                subprocess.run([*_FLASK_DB, *command], cwd=ROOT, env=environment, check=True)
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    except DevstackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
