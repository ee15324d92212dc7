"""Snapshots of projects and jobs for comparison, without generated ids and times."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from precast_app.extensions import db
from precast_app.importing.reference_schema import REFERENCE_SPECS, ReferenceSpec
from precast_app.importing.schema import GROUP_SPECS, GroupSpec
from precast_app.totals import computation, storage
from precast_app.totals.project_totals import Amount, ProjectTotals

_PIECES = """
    SELECT p.id, p.code, p.status, p.status_since::text, p.replaces_id,
           (SELECT array_agg((s.stage_id, s.passed_at)::text ORDER BY s.stage_id)
            FROM piece_stages s WHERE s.piece_id = p.id)
    FROM pieces p WHERE p.project_id = :project_id ORDER BY p.code
"""


def _item(spec: ReferenceSpec) -> str:
    """Return the SQL for the name of an item `r`."""
    return "r.path" if spec.is_hierarchy else f"concat_ws('_', {', '.join(f'r.{part}' for part in spec.name_parts)})"


def _values(spec: GroupSpec) -> str:
    """Return the SQL for the values of a column group."""
    value = f"e.{spec.value_column}::text" if spec.value_column else "'yes'"
    return f"""
        SELECT t.type_key, t.name_key, {_item(spec.reference)}, {value} FROM {spec.table} e
        JOIN element_types t ON t.id = e.element_type_id
        JOIN {spec.reference.table} r ON r.id = e.{spec.target_column}
        WHERE t.project_id = :project_id
    """


def _items(spec: ReferenceSpec) -> str:
    """Return the SQL for the items of a kind of reference data."""
    convention = "r.naming_convention" if spec.is_hierarchy else "''"
    return f"SELECT {_item(spec)}, {convention} FROM {spec.table} r WHERE r.project_id = :project_id"


_TABLES = {
    "element_types": """
        SELECT element_type, name, type_key, name_key, height::text, length::text, thickness::text, mass::text,
               volume::text, area::text, width::text, version, density::text
        FROM element_types WHERE project_id = :project_id
    """,
    "pieces": """
        SELECT t.type_key, t.name_key, n.path, p.number, p.code, p.status FROM pieces p
        JOIN element_types t ON t.id = p.element_type_id JOIN hierarchy_nodes n ON n.id = p.node_id
        WHERE p.project_id = :project_id
    """,
    **{spec.group.value: _values(spec) for spec in GROUP_SPECS.values()},
    **{f"items of {spec.table}": _items(spec) for spec in REFERENCE_SPECS.values()},
}


def snapshot_project(project_id: int) -> dict[str, list[Any]]:
    """Return the rows of each table, sorted."""
    found = {
        table: sorted(map(repr, map(tuple, db.session.execute(text(query), {"project_id": project_id}))))
        for table, query in _TABLES.items()
    }
    db.session.rollback()
    return found


def snapshot_pieces(project_id: int) -> dict[str, list[Any]]:
    """Return the pieces with their ids, dates and stages, and whether there are as many as the quantities say."""
    wrong = text("""
        SELECT q.element_type_id, q.node_id, q.quantity, count(p.id) FILTER (WHERE p.status <> 'scrapped')
        FROM element_type_quantities q JOIN element_types t ON t.id = q.element_type_id
        LEFT JOIN pieces p ON p.element_type_id = q.element_type_id AND p.node_id = q.node_id
        WHERE t.project_id = :project_id GROUP BY q.element_type_id, q.node_id
        HAVING q.quantity <> count(p.id) FILTER (WHERE p.status <> 'scrapped')
    """)
    names = {"project_id": project_id}
    found = {
        "pieces": list(map(repr, map(tuple, db.session.execute(text(_PIECES), names)))),
        "wrong quantities": list(map(repr, map(tuple, db.session.execute(wrong, names)))),
        "wrong totals": wrong_totals(project_id),
    }
    db.session.rollback()
    return found


def wrong_totals(project_id: int) -> list[str]:
    """Return the totals of a project that are not those of its rows: as they are read, and as they should be."""
    found = _without_zeros(storage.read(db.session(), project_id))
    expected = _without_zeros(computation.compute(db.session(), project_id).totals)
    names = [name for name, value in expected.items() if found[name] != value]
    return [f"{name}: {found[name]} instead of {expected[name]}" for name in names]


def _without_zeros(totals: ProjectTotals) -> dict[str, Any]:
    """Return the parts of the totals without numbers that are zero, which may also be missing."""
    return {
        "rows": totals.rows,
        "nodes": {key: amount for key, amount in totals.nodes.items() if amount != Amount()},
        "types": {key: count for key, count in totals.types.items() if count},
        "materials": totals.materials,
        "produced": totals.produced,
    }


def snapshot_history(project_id: int) -> dict[str, list[Any]]:
    """Return the events and the stages of the project's pieces, by code."""
    events = text("""
        SELECT p.code, e.kind, e.from_value, e.to_value, e.from_since::text, s.name, e.happened_at::text, e.note
        FROM piece_events e JOIN pieces p ON p.id = e.piece_id LEFT JOIN stages s ON s.id = e.stage_id
        WHERE e.project_id = :project_id ORDER BY p.code, e.id
    """)
    passed = text("""
        SELECT p.code, p.status, p.status_since::text, s.name, x.passed_at::text FROM pieces p
        LEFT JOIN piece_stages x ON x.piece_id = p.id LEFT JOIN stages s ON s.id = x.stage_id
        WHERE p.project_id = :project_id ORDER BY p.code, s.name
    """)
    names = {"project_id": project_id}
    found = {
        "events": list(map(repr, map(tuple, db.session.execute(events, names)))),
        "passed": list(map(repr, map(tuple, db.session.execute(passed, names)))),
    }
    db.session.rollback()
    return found


def snapshot_job(job_id: int) -> dict[str, Any]:
    """Return a job's counts, issues and before-images."""
    counts = text("""
        SELECT status, progress, total_items, processed_items, result, error, phase, created_count, updated_count,
               unchanged_count, rejected_count, renamed_count, missing_count, removed_count,
               left_out_count, pieces_added, pieces_removed, warning_count
        FROM import_jobs WHERE id = :job_id
    """)
    issues = text('SELECT severity, "row", "column", code, message FROM import_issues WHERE job_id = :job_id')
    changes = text("""
        SELECT c.row, t.type_key, t.name_key, c.fields IS NULL, c.fields::jsonb - 'removed_pieces',
               (SELECT array_agg(piece ->> 2 ORDER BY piece ->> 2)
                FROM json_array_elements(c.fields -> 'removed_pieces') AS piece)
        FROM element_type_changes c LEFT JOIN element_types t ON t.id = c.element_type_id WHERE c.job_id = :job_id
    """)
    names = {"job_id": job_id}
    found = {
        "job": tuple(db.session.execute(counts, names).one()),
        "issues": sorted(map(repr, map(tuple, db.session.execute(issues, names)))),
        "changes": sorted(map(repr, map(tuple, db.session.execute(changes, names)))),
    }
    db.session.rollback()
    return found


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Fail the test if a table differs; the message shows the first rows that do."""
    for table, rows in expected.items():
        if found[table] != rows:
            more = sorted(set(found[table]) - set(rows))[:3]
            less = sorted(set(rows) - set(found[table]))[:3]
            raise AssertionError(f"{table}: unexpected {more}, missing {less}; {len(found[table])} of {len(rows)} rows")
