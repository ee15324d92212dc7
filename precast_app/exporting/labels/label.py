"""What a label says. In a module of its own, because those that draw it load ReportLab. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """What a label says: the address in its QR code, the piece's code, and lines of text."""

    address: str
    code: str
    lines: tuple[str, ...]
