"""The words of yards' lists of pieces in eleven languages: headings, and statuses. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from precast_app.enums import PieceStatus
from precast_app.importing.profiles import vocabulary

COLUMNS = ("piece", "status", "stage", "date", "note", "reason")
_DATA_FILE = "status_words.json"
# A longer text is neither a heading nor a status.
_MAX_TEXT_LENGTH = 100


@cache
def _load() -> tuple[Mapping[str, str], Mapping[str, PieceStatus]]:
    """Return the columns and the statuses by their squashed words; a word of several columns means the first one."""
    data = json.loads(resources.files(__package__).joinpath(_DATA_FILE).read_text(encoding="utf-8"))
    statuses = {word: PieceStatus(status) for word, status in _by_word(data["statuses"]).items()}
    return _by_word(data["columns"]), {**statuses, **{vocabulary.squash(each): each for each in PieceStatus}}


def column_of(heading: str) -> str | None:
    """Return which of `COLUMNS` a heading means; None if it is none of them."""
    return _load()[0].get(vocabulary.squash(heading)) if len(heading) <= _MAX_TEXT_LENGTH else None


def status_of(text: str) -> PieceStatus | None:
    """Return the status that a text names; None if it names none."""
    return _load()[1].get(vocabulary.squash(text)) if len(text) <= _MAX_TEXT_LENGTH else None


def _by_word(lists: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, languages in lists.items():
        for words in languages.values():
            for word in words:
                found.setdefault(vocabulary.squash(word), name)
    return found
