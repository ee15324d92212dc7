"""Store numbers without zeros at their end and keys in the form in which they are compared now.

Keys are in NFC, and a minus before a number is part of them, as in the floor `-1`. Element types or items that would get
the key of another one keep theirs. A downgrade leaves the data as they are: the previous version reads them.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_NUMBERS = {
    "element_types": ("height", "length", "thickness", "mass", "volume", "area", "width"),
    "element_type_bom": ("quantity",),
    "bom_products": ("rate",),
}
_NAMES = {
    "hierarchy_nodes": "path",
    "stages": "name",
    "drawing_types": "name",
    "bom_products": "product_name || '_' || product_type",
}
_MINUS = re.compile(r"(?:(?<=[\s_.])|\A)[-\u2212\u2013](?=\d)")
_SEPARATORS = re.compile(r"[\s_\-]+")


def upgrade() -> None:
    for table, columns in _NUMBERS.items():
        changes = ", ".join(f"{column} = trim_scale({column})" for column in columns)
        condition = " OR ".join(f"scale({column}) > min_scale({column})" for column in columns)
        op.execute(f"UPDATE {table} SET {changes} WHERE {condition}")
    op.execute("""
        UPDATE element_types t SET type_key = normalize(type_key), name_key = normalize(name_key)
        WHERE (type_key IS NOT NORMALIZED OR name_key IS NOT NORMALIZED) AND NOT EXISTS (
            SELECT FROM element_types other
            WHERE other.project_id = t.project_id AND other.id <> t.id
              AND normalize(other.type_key) = normalize(t.type_key)
              AND normalize(other.name_key) = normalize(t.name_key)
        )
    """)
    _keep_minus_of_nodes()
    for table, name in _NAMES.items():
        _renew_keys(table, name)


def downgrade() -> None:
    pass


def _keep_minus_of_nodes() -> None:
    """Write the minus of a name such as `-1` in the path of the node and of the nodes below it."""
    connection = op.get_bind()
    nodes = connection.execute(sa.text("SELECT id, project_id, name, path FROM hierarchy_nodes ORDER BY length(path)"))
    for id_, project_id, name, path in nodes.all():
        if not _MINUS.search(name):
            continue
        above, point, last = path.rpartition(".")
        if last != re.sub(r"[\s\-]+", "_", name):
            continue
        new = above + point + _SEPARATORS.sub("_", _MINUS.sub("\u2212", name)).replace("\u2212", "-")
        connection.execute(
            sa.text("""
                UPDATE hierarchy_nodes SET path = :new || substr(path, length(:old) + 1)
                WHERE project_id = :project_id AND (id = :id OR left(path, length(:old) + 1) = :old || '.')
            """),
            {"new": new, "old": path, "project_id": project_id, "id": id_},
        )


def _renew_keys(table: str, name: str) -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text(f"SELECT id, project_id, {name}, match_key FROM {table} ORDER BY id")).all()
    taken = {(project_id, key) for _, project_id, _, key in rows}
    for id_, project_id, text, key in rows:
        new = _path_key(text) if table == "hierarchy_nodes" else _match_key(text)
        if new == key or (project_id, new) in taken:
            continue
        taken.add((project_id, new))
        connection.execute(sa.text(f"UPDATE {table} SET match_key = :new WHERE id = :id"), {"new": new, "id": id_})


def _match_key(text: str) -> str:
    cleaned = " ".join(unicodedata.normalize("NFC", text).split()).casefold()
    return _SEPARATORS.sub("_", _MINUS.sub("\u2212", cleaned)).strip("_")


def _path_key(path: str) -> str:
    return ".".join(_match_key(level) for level in path.rstrip(" _.").split("."))
