"""Plans of queries in a database with other projects, whose tables may have no statistics."""

from __future__ import annotations

from sqlalchemy import text

from precast_app.extensions import db
from precast_app.projects import projects
from precast_app.queries.element_types import ElementTypeFilter
from precast_app.queries.exports import iterate_rows
from tests.conftest import EXAMPLES, run_import

# 2 000 element types with a quantity at each of the nodes that the project of the test has.
_OTHERS = text("""
    WITH added AS (
        INSERT INTO element_types (project_id, element_type, name, type_key, name_key)
        SELECT :project_id, 'WALL', 'W-' || i, 'wall', 'w-' || i FROM generate_series(1, 2000) i RETURNING id
    )
    INSERT INTO element_type_quantities (element_type_id, node_id, quantity)
    SELECT added.id, node.id, 1 FROM added, hierarchy_nodes node
""")
_SCANS = text("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'element_type_quantities'")


def test_an_export_reads_the_values_of_its_own_element_types_only(green_meadows: int) -> None:
    assert run_import(green_meadows, EXAMPLES / "element_types.xlsx").status == "completed"
    db.session.execute(_OTHERS, {"project_id": projects.create("Other").id})
    db.session.commit()
    rows = list(iterate_rows(green_meadows, ElementTypeFilter()))
    assert rows
    assert db.session.scalar(_SCANS) == 0
