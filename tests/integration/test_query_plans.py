"""Plans of queries in a database with other projects, whose tables may have no statistics."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from sqlalchemy import func, select, text

from precast_app.extensions import db
from precast_app.models import Piece
from precast_app.pieces import moves
from precast_app.pieces.selection import PieceFilter
from precast_app.projects import projects
from precast_app.queries import pieces
from precast_app.queries.element_types import ElementTypeFilter
from precast_app.queries.exports import iterate_rows
from precast_app.queries.paging import PageRequest
from precast_app.queries.pieces import SORTS, list_and_count, list_pieces
from tests.conftest import EXAMPLES, run_import

# Element types with a quantity at each of the nodes that the project of the test has.
_OTHERS = text("""
    WITH added AS (
        INSERT INTO element_types (project_id, element_type, name, type_key, name_key)
        SELECT :project_id, 'WALL', 'W-' || i, 'wall', 'w-' || i FROM generate_series(1, :count) i RETURNING id
    )
    INSERT INTO element_type_quantities (element_type_id, node_id, quantity)
    SELECT added.id, node.id, 1 FROM added, hierarchy_nodes node
""")
# A piece for each of these quantities.
_OTHER_PIECES = text("""
    INSERT INTO pieces (project_id, element_type_id, node_id, number, code)
    SELECT :project_id, element_type_id, node_id, 1, 'WALL/' || node_id || '/' || element_type_id
    FROM element_type_quantities
""")
# Rows of pieces that were looked up through an index; a scan of the small table in its own order is fine.
_LOOKED_UP = text("SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'pieces'")
# Of these, the ones that were looked up one by one, in the order of an index by project.
_IN_INDEX_ORDER = text("""
    SELECT sum(pg_stat_get_xact_tuples_fetched(indexrelid)) FROM pg_stat_user_indexes
    WHERE relname = 'pieces' AND indexrelname LIKE '%pieces_project_id%'
""")
# Entries of these indexes that were read, also by a scan that looks up only what a second index finds as well.
_READ_BY_PROJECT = text("""
    SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid)) FROM pg_stat_user_indexes
    WHERE relname = 'pieces' AND indexrelname LIKE '%pieces_project_id%'
""")
_BY_CODE = text("""
    SELECT sum(pg_stat_get_xact_tuples_fetched(indexrelid)) FROM pg_stat_user_indexes
    WHERE relname = 'pieces' AND indexrelname = 'uq_pieces_project_id_code'
""")
_SCANS = text("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'element_type_quantities'")


def test_an_export_reads_the_values_of_its_own_element_types_only(green_meadows: int) -> None:
    assert run_import(green_meadows, EXAMPLES / "element_types.xlsx").status == "completed"
    assert_values_are_looked_up(green_meadows)


def test_statistics_of_a_few_element_types_do_not_make_an_export_read_whole_tables(green_meadows: int) -> None:
    db.session.execute(_OTHERS, {"project_id": projects.create("Small").id, "count": 1})
    db.session.execute(text("ANALYZE element_type_quantities"))
    db.session.commit()
    assert run_import(green_meadows, EXAMPLES / "element_types.xlsx").status == "completed"
    assert_values_are_looked_up(green_meadows)


def assert_values_are_looked_up(project_id: int) -> None:
    """Assert that an export reads no table of values as a whole although another project has most of its rows."""
    db.session.execute(_OTHERS, {"project_id": projects.create("Other").id, "count": 2000})
    db.session.commit()
    # The session's counts include those of transactions that it has not reported yet.
    before = db.session.scalar(_SCANS)
    assert list(iterate_rows(project_id, ElementTypeFilter()))
    assert db.session.scalar(_SCANS) == before


def test_chosen_pieces_are_found_by_their_ids_and_then_sorted(green_meadows: int) -> None:
    assert run_import(green_meadows, EXAMPLES / "element_types.xlsx").status == "completed"
    ids = tuple(db.session.scalars(select(Piece.id).order_by(Piece.id.desc()).limit(10)))
    db.session.rollback()
    for filters in (PieceFilter(ids=ids), PieceFilter(ids=ids, status="planned")):
        # As if PostgreSQL expected so many pieces that the order of the index were quicker than sorting them.
        db.session.execute(text("SET LOCAL enable_sort = off"))
        before = db.session.scalar(_LOOKED_UP) or 0
        assert len(list_pieces(green_meadows, filters, PageRequest(100))) == 10
        assert (db.session.scalar(_LOOKED_UP) or 0) - before <= 50
        db.session.rollback()


@pytest.fixture(params=["no statistics", "statistics of no pieces", "statistics of the other pieces"])
def among_others(green_meadows: int, request: pytest.FixtureRequest) -> int:
    """Return a project with the sample's element types in a database in which another one has more pieces."""
    other = {"project_id": projects.create("Other").id}
    # Forgets the statistics that earlier pieces may have left.
    db.session.execute(text("TRUNCATE pieces CASCADE"))
    db.session.execute(_OTHERS, {**other, "count": 1000})
    db.session.execute(_OTHER_PIECES, other)
    if request.param == "statistics of no pieces":
        # As PostgreSQL has them after a large project was deleted, until some minutes after the next import.
        db.session.execute(text("DELETE FROM pieces"))
        db.session.execute(text("ANALYZE pieces"))
        db.session.execute(_OTHER_PIECES, other)
    if request.param == "statistics of the other pieces":
        db.session.execute(text("ANALYZE pieces"))
    db.session.commit()
    assert run_import(green_meadows, EXAMPLES / "element_types.xlsx").status == "completed"
    return green_meadows


def test_few_pieces_are_found_without_reading_the_whole_project(
    among_others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "_LOOK_AHEAD", 0)
    piece = a_rare_piece()
    of_type = PieceFilter(element_type_id=piece.element_type_id)
    of_few = [of_type, replace(of_type, search="/"), replace(of_type, type=piece.code.partition("/")[0])]
    for filters, sort in product(of_few, SORTS):
        before = count_reads()
        found, count = list_and_count(among_others, filters, PageRequest(10), sort)
        assert piece.id in {each.id for each in found}
        assert count == len(found)
        assert_few_are_read(before, len(found))


def test_a_piece_is_found_by_its_code_without_reading_the_whole_project(among_others: int) -> None:
    piece = a_rare_piece()
    of_one = [PieceFilter(search=piece.code), PieceFilter(search=piece.code, element_type_id=piece.element_type_id)]
    for filters, sort in product(of_one, SORTS):
        before = count_reads()
        found, count = list_and_count(among_others, filters, PageRequest(10), sort)
        assert ([each.id for each in found], count) == ([piece.id], 1)
        assert_few_are_read(before, len(found))


def a_rare_piece() -> Piece:
    """Return a piece of the element type with the fewest."""
    rarest = select(Piece.element_type_id).group_by(Piece.element_type_id).order_by(func.count()).limit(1)
    return db.session.scalars(select(Piece).where(Piece.element_type_id == rarest.scalar_subquery()).limit(1)).one()


def count_reads() -> tuple[int, int]:
    """Return how many rows of pieces this transaction has looked up, and entries of the indexes by project read."""
    return int(db.session.scalar(_LOOKED_UP) or 0), int(db.session.scalar(_READ_BY_PROJECT) or 0)


def assert_few_are_read(before: tuple[int, int], found: int) -> None:
    """Assert that since `before` little more was read than the pieces that were found."""
    looked_up, read = count_reads()
    assert looked_up - before[0] <= 10 + 5 * found
    assert read - before[1] <= 10 + 5 * found


def test_pieces_to_move_are_found_without_reading_the_whole_project(among_others: int) -> None:
    found = select(Piece.code, Piece.id).where(Piece.project_id == among_others).limit(10)
    ids = dict(db.session.execute(found).all())
    before = count_reads()
    assert moves.ids_by_code(db.session(), among_others, [*ids, "WALL/T9/0001"]) == ids
    assert set(moves.load(db.session(), among_others, ids.values(), lock=True)) == set(ids.values())
    assert_few_are_read(before, len(ids))


@pytest.mark.parametrize("cost", ["random_page_cost", "seq_page_cost"])
def test_a_search_of_a_part_reads_the_project_in_the_order_of_the_table(
    among_others: int, cost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "_LOOK_AHEAD", 0)
    # As if the order of an index were that of the table, or as if the project were most of the table.
    db.session.execute(text(f"SET LOCAL {cost} = 0"))
    before = {each: db.session.scalar(each) or 0 for each in (_LOOKED_UP, _IN_INDEX_ORDER)}
    assert len(list_pieces(among_others, PieceFilter(search="/000"), PageRequest(10))) == 10
    assert (db.session.scalar(_LOOKED_UP) or 0) - before[_LOOKED_UP] > 100
    # The ten that are shown may be looked up so.
    assert (db.session.scalar(_IN_INDEX_ORDER) or 0) - before[_IN_INDEX_ORDER] <= 10
    assert [db.session.scalar(text(f"SHOW enable_{each}scan")) for each in ("index", "seq")] == ["on", "on"]


def test_a_search_of_most_pieces_reads_the_next_ones_in_the_order_of_their_codes(
    among_others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "_LOOK_AHEAD", 20)
    before = {each: db.session.scalar(each) or 0 for each in (_LOOKED_UP, _BY_CODE)}
    assert len(list_pieces(among_others, PieceFilter(search="/0"), PageRequest(10))) == 10
    assert (db.session.scalar(_BY_CODE) or 0) - before[_BY_CODE] == 20
    assert (db.session.scalar(_LOOKED_UP) or 0) - before[_LOOKED_UP] <= 60


def test_a_search_of_what_no_code_has_reads_no_pieces(among_others: int) -> None:
    before = db.session.scalar(_LOOKED_UP) or 0
    for search in ("xyz", "WALLS", "WALL/xyz/0001", "wall/t1_f1/1x"):
        assert list_pieces(among_others, PieceFilter(search=search), PageRequest(10)) == []
    assert (db.session.scalar(_LOOKED_UP) or 0) - before <= 10
