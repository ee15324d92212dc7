"""A search for a part of a piece code finds the same pieces as a comparison with each code."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select, text

from precast_app.extensions import db
from precast_app.models import ElementType, Piece
from precast_app.pieces import code_search
from precast_app.projects import projects

# With slashes, signs of patterns, and letters whose forms in upper and lower case differ in length.
TYPES = ("WALL", "Wall", "WALL/F1", "wall/00", "7", "/", "50%_\\", "Straße", "ΟΔΟΣ", "İk", "\u212aL", "A/B/C")
CONVENTIONS = ("F1", "f1_É", "1", "00", "BF3", "%_", "ß", "ΣΑΣ", "i\u0307")
NUMBERS = (1, 42, 1001, 12345)
FILL = text(
    """
    WITH project AS (SELECT CAST(:project_id AS int) AS id),
    nodes AS (
        INSERT INTO hierarchy_nodes (project_id, name, prefix, path, match_key, naming_convention)
        SELECT project.id, each, each, 'N' || nr, 'n' || nr, each
        FROM project, unnest(CAST(:conventions AS text[])) WITH ORDINALITY AS given(each, nr)
        RETURNING id, naming_convention
    ), types AS (
        INSERT INTO element_types (project_id, element_type, name, type_key, name_key)
        SELECT project.id, each, 'T' || nr || '-' || copy, each || nr, 't' || nr || '-' || copy
        FROM project, unnest(CAST(:types AS text[])) WITH ORDINALITY AS given(each, nr), generate_series(1, 2) AS copy
        RETURNING id, element_type, name
    ), quantities AS (
        INSERT INTO element_type_quantities (element_type_id, node_id, quantity)
        SELECT types.id, nodes.id, 4 FROM types, nodes
    )
    INSERT INTO pieces (project_id, element_type_id, node_id, number, code)
    SELECT project.id, types.id, nodes.id, number,
           element_type || '/' || naming_convention || '/' || lpad(number::text, greatest(4, length(number::text)), '0')
    FROM project, types, nodes, unnest(CAST(:numbers AS int[])) AS number WHERE right(name, 1) = '1'
""".replace("::", "\\:\\:")
)


@pytest.fixture
def filled(project_id: int) -> int:
    for id_ in (project_id, projects.create("Other").id):
        values = {"types": list(TYPES), "conventions": list(CONVENTIONS), "numbers": list(NUMBERS)}
        db.session.execute(FILL, {"project_id": id_, **values})
    db.session.commit()
    return project_id


def test_a_part_is_found_in_the_same_codes_as_by_comparing_them_all(filled: int) -> None:
    codes = list(db.session.scalars(select(Piece.code).where(Piece.project_id == filled)))
    assert len(codes) == len(TYPES) * len(CONVENTIONS) * len(NUMBERS)
    parts = sorted({code[start:end] for code in codes for start in range(len(code)) for end in range(start + 1, 99)})
    chosen = random.Random(7).sample(parts, 300)
    # None of these is in a code as it is, and most are in none in any case.
    chosen += ["xyz", "F1//", "//0", "ll/F3", "wall/bf3/0002", "f3/000x", "f3/٠", "l_/", "W%L", "WALL\\", "k", "kl/"]
    for part in chosen:
        for asked in {part, part.upper(), part.lower(), part.swapcase()}:
            own = Piece.project_id == filled
            expected = select(Piece.id).where(own, Piece.code.icontains(asked, autoescape=True)).order_by(Piece.id)
            found = select(Piece.id).where(own, code_search.contains(filled, asked)).order_by(Piece.id)
            assert db.session.scalars(found).all() == db.session.scalars(expected).all(), asked


def test_a_project_without_pieces_has_no_codes(project_id: int) -> None:
    assert db.session.scalar(select(ElementType.id)) is None
    for part in ("wall", "WALL/F1/00", "00"):
        assert db.session.scalars(select(Piece.id).where(code_search.contains(project_id, part))).all() == []
