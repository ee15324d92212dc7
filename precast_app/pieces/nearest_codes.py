"""The code that somebody may have meant by one that no piece has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rapidfuzz import fuzz, process
from sqlalchemy import text
from sqlalchemy.orm import Session

_MIN_SIMILARITY = 60
_MAX_TEXT_LENGTH = 100

_PREFIXES = text("""
    SELECT DISTINCT t.element_type || '/' || n.naming_convention || '/' AS prefix, t.type_key, n.id AS node_id
    FROM element_types t JOIN element_type_quantities q ON q.element_type_id = t.id
    JOIN hierarchy_nodes n ON n.id = q.node_id WHERE t.project_id = :project_id
""")
_CODES = text("""
    SELECT p.code FROM element_types t JOIN pieces p ON p.element_type_id = t.id
    WHERE t.project_id = :project_id AND t.type_key = :type_key AND p.node_id = :node_id
""")


class NearestCodes:
    """Finder of similar codes: first the most similar type and place, then the most similar piece there."""

    def __init__(self, session: Session, project_id: int) -> None:
        self._session = session
        self._project_id = project_id
        self._places: dict[str, Any] | None = None
        self._codes: dict[str, Sequence[str]] = {}

    def find(self, code: str) -> str | None:
        """Return the most similar code of a piece; None if none is similar."""
        if len(code) > _MAX_TEXT_LENGTH:
            return None
        if self._places is None:
            rows = self._session.execute(_PREFIXES, {"project_id": self._project_id})
            self._places = {row.prefix: row for row in rows}
        if not self._places:
            return None
        head = code.rpartition("/")[0] + "/" if "/" in code else code
        prefix = process.extractOne(head, list(self._places), scorer=fuzz.ratio, processor=str.casefold)[0]
        codes = self._codes_at(prefix, self._places[prefix])
        found = process.extractOne(code, codes, scorer=fuzz.ratio, processor=str.casefold, score_cutoff=_MIN_SIMILARITY)
        return None if found is None else str(found[0])

    def _codes_at(self, prefix: str, place: Any) -> Sequence[str]:
        if prefix not in self._codes:
            names = {"project_id": self._project_id, "type_key": place.type_key, "node_id": place.node_id}
            self._codes[prefix] = list(self._session.scalars(_CODES, names))
        return self._codes[prefix]
