"""Temporary changes of an application's settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask


@contextmanager
def changed_settings(app: Flask, **changed: Any) -> Iterator[None]:
    """Change settings of the application for the duration of the block."""
    kept = app.config["PRECAST"]
    app.config["PRECAST"] = dataclasses.replace(kept, **changed)
    try:
        yield
    finally:
        app.config["PRECAST"] = kept
