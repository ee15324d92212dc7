"""How names are compared: of element types, and of what headings can name."""

from __future__ import annotations

import re
import unicodedata

# Zero-width signs, soft hyphens, and marks of writing direction.
_INVISIBLE = dict.fromkeys(
    [*map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f"), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
# A hyphen, minus or dash before a number, not between words.
_MINUS = re.compile(r"(?:(?<=[\s_.])|\A)[-\u2212\u2013](?=\d)")
_SEPARATORS = re.compile(r"[\s_\-]+")


def clean_text(text: str) -> str:
    """Return the text in NFC, without invisible characters, trimmed, every run of white space as one space."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    return " ".join(text.split())


def identity_key(text: str) -> str:
    """Return what identifies an element type: two names with the same key are one name."""
    return clean_text(text).casefold()


def match_key(text: str) -> str:
    """Return the key that a heading is matched by: case is ignored, hyphens and underscores count as spaces.

    A minus before a number is kept, so that the floors -1 and 1 differ.
    """
    return join_words(clean_text(text).casefold(), "\N{MINUS SIGN}").strip("_")


def join_words(text: str, minus: str = "-") -> str:
    """Return the text with an underscore for each run of spaces, hyphens and underscores, and `minus` for a minus."""
    return _SEPARATORS.sub("_", _MINUS.sub("\N{MINUS SIGN}", text)).replace("\N{MINUS SIGN}", minus)


def path_key(*parts: str) -> str:
    """Return the match key of a node from parts of its path: `Tower A`, `Floor 1` → `tower_a.floor_1`.

    A point inside a part counts as one between parts, so a floor may be called `1. OG`, or `1.`.
    """
    return ".".join(match_key(level) for part in parts for level in part.rstrip(" _.").split("."))
