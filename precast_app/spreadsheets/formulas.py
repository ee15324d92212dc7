"""Text that a spreadsheet would run as a formula, made harmless: and back, when it is read again."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def disarmed(text: str) -> str:
    """`=1+1` → `'=1+1`. Text that looks as if it had been disarmed gets one more sign, so that it comes back too."""
    return f"'{text}" if _FORMULA.match(text) else text


def armed(text: str) -> str:
    """The text that `disarmed` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
