"""The code of a piece that a list writes in another way, or may have meant by one that no piece has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rapidfuzz import fuzz, process
from sqlalchemy import text
from sqlalchemy.orm import Session

_MIN_SIMILARITY = 60
_MAX_TEXT_LENGTH = 100
_LABEL_START = ("http://", "https://")

_PREFIXES = text("""
    SELECT DISTINCT t.element_type || '/' || n.naming_convention || '/' AS prefix, t.type_key, n.id AS node_id
    FROM element_types t JOIN element_type_quantities q ON q.element_type_id = t.id
    JOIN hierarchy_nodes n ON n.id = q.node_id WHERE t.project_id = :project_id ORDER BY prefix
""")
_CODES = text("""
    SELECT p.code FROM element_types t JOIN pieces p ON p.element_type_id = t.id
    WHERE t.project_id = :project_id AND t.type_key = :type_key AND p.node_id = :node_id ORDER BY p.code
""")


def code_of_label(text: str) -> str:
    """Return the code that the address in a label's QR code has; any other text as it is."""
    if not text.casefold().startswith(_LABEL_START):
        return text
    try:
        return parse_qs(urlsplit(text).query).get("code", [text])[0].strip()
    except ValueError:
        return text


class NearestCodes:
    """Finder of similar codes: first the most similar type and place, then the most similar piece there."""

    def __init__(self, session: Session, project_id: int) -> None:
        self._session = session
        self._project_id = project_id
        self._places: dict[str, Any] | None = None
        self._codes: dict[str, Sequence[str]] = {}
        self._prefixes: dict[str, str] = {}

    def find_same(self, code: str) -> str | None:
        """Return the code that may be meant by one that differs only in case and spaces; None if it has no such form.

        Whether a piece has this code is not looked up.
        """
        head, _, number = code.rpartition("/")
        if len(code) > _MAX_TEXT_LENGTH or not number.strip().isdecimal():
            return None
        self._load_places()
        prefix = self._prefixes.get(_squash(head))
        return None if prefix is None else prefix + number.strip()

    def find(self, code: str) -> str | None:
        """Return the most similar code of a piece, the first of several; None if none is similar."""
        if len(code) > _MAX_TEXT_LENGTH:
            return None
        places = self._load_places()
        if not places:
            return None
        head = code.rpartition("/")[0] + "/" if "/" in code else code
        prefix = process.extractOne(head, list(places), scorer=fuzz.ratio, processor=str.casefold)[0]
        codes = self._codes_at(prefix, places[prefix])
        found = process.extractOne(code, codes, scorer=fuzz.ratio, processor=str.casefold, score_cutoff=_MIN_SIMILARITY)
        return None if found is None else str(found[0])

    def _load_places(self) -> dict[str, Any]:
        if self._places is None:
            rows = self._session.execute(_PREFIXES, {"project_id": self._project_id})
            self._places = {row.prefix: row for row in rows}
            self._prefixes = {_squash(prefix[:-1]): prefix for prefix in self._places}
        return self._places

    def _codes_at(self, prefix: str, place: Any) -> Sequence[str]:
        if prefix not in self._codes:
            parameters = {"project_id": self._project_id, "type_key": place.type_key, "node_id": place.node_id}
            self._codes[prefix] = list(self._session.scalars(_CODES, parameters))
        return self._codes[prefix]


def _squash(text: str) -> str:
    return "".join(text.split()).casefold()
