"""The answers about one project that the measurements of a large database request, and what each of them takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

import psutil
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db


@dataclass(frozen=True, slots=True)
class Answer:
    """Milliseconds of an answer: the first one, the median of the later ones, and the processor time of one."""

    first: float
    median: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Example:
    """Ids of a project that addresses need: some of its pieces, nodes, stages and element types."""

    project_id: int
    node_id: int
    stage_id: int
    element_type_id: int
    drawing_type_id: int
    first_piece_id: int
    middle_piece_id: int
    middle_code: str

    @classmethod
    def of(cls, project_id: int) -> Example:
        """Return the ids of a project that `bench.large_database` or an import has filled."""
        row = db.session.execute(
            text("""
                SELECT (SELECT id FROM hierarchy_nodes WHERE project_id = :p AND path = 'Tower_B.Floor_3'),
                       (SELECT id FROM stages WHERE project_id = :p AND position = 3),
                       (SELECT min(id) + 4000 FROM element_types WHERE project_id = :p),
                       (SELECT min(id) FROM drawing_types WHERE project_id = :p),
                       (SELECT min(id) FROM pieces WHERE project_id = :p)
            """),
            {"p": project_id},
        ).one()
        middle = db.session.execute(
            text("SELECT id, code FROM pieces WHERE project_id = :p ORDER BY code LIMIT 1 OFFSET 140000"),
            {"p": project_id},
        ).one()
        db.session.rollback()
        return cls(project_id, *row, *middle)


def addresses(example: Example) -> dict[str, str]:
    """Return the address of every list, search, overview and export of the project by its name."""
    number = example.project_id
    api, page = f"/api/project/{number}", f"/projects/{number}"
    pieces = {
        "first page": "",
        "page in the middle": f"after={example.middle_piece_id}",
        "newest moves": "sort=-moved",
        "a floor": f"node_id={example.node_id}",
        "a tower": "tower=Tower_B",
        "a type": "type=WALL",
        "an element type": f"element_type_id={example.element_type_id}",
        "a status": "status=produced",
        "a floor, planned": f"node_id={example.node_id}&status=planned",
        "a type, erected": "type=WALL&status=erected",
        "a stage": f"stage={example.stage_id}",
        "moved in a week": "moved_from=2026-08-03&moved_to=2026-08-09",
        "search of a code": f"search={example.middle_code.replace('/', '%2F')}",
        "search of a part": "search=WALL/BF3/00",
        "search of most": "search=a",
        "search of digits": "search=00",
        "search of nothing": "search=xyz",
    }
    types = {
        "first page": "",
        "page in the middle": f"after={example.element_type_id}",
        "sorted by mass": "sort=-mass",
        "a node": f"node={example.node_id}",
        "a stage": f"stage={example.stage_id}",
        "without a drawing": f"without_drawing={example.drawing_type_id}",
        "search": "search=w-0042",
    }
    return {
        **{f"API pieces: {name}": f"{api}/elements?{query}&limit=100{'' if 'sort' in query else '&sort=code'}"
           for name, query in pieces.items()},
        "API pieces: by creation, from the middle": f"{api}/elements?limit=100&after={example.middle_piece_id}",
        "API pieces: 1 000": f"{api}/elements?limit=1000",
        **{f"page pieces: {name}": f"{page}/pieces?{query}" for name, query in pieces.items()},
        "page: a piece": f"/pieces/{example.middle_piece_id}",
        "API: a piece": f"/api/elements/{example.middle_piece_id}",
        **{f"API types: {name}": f"{api}/element-types?{query}&limit=100" for name, query in types.items()},
        **{f"page types: {name}": f"{page}/element-types?{query}"
           for name, query in types.items() if "after" not in query},
        "page: an element type": f"{page}/element-types/{example.element_type_id}",
        "API: an element type": f"{api}/element-types/{example.element_type_id}",
        "API: summary": f"{api}/summary",
        "page: overview": page,
        "API: project": api,
        "API: projects": "/api/project",
        "page: projects": "/",
        "page: projects, polled": "/projects/rows",
        "API: jobs": f"{api}/jobs",
        "page: jobs": f"{page}/jobs",
        "API: hierarchy": f"{api}/hierarchy",
        "API: audit": f"{api}/audit",
        "page: reference data": f"{page}/reference/hierarchy",
    }  # fmt: skip


def exports(example: Example) -> dict[str, str]:
    """Return the addresses of exports; they take seconds, because they write all rows."""
    api = f"/api/project/{example.project_id}"
    return {
        "export: site list of a floor": f"{api}/site-list.xlsx?nodes={example.node_id}",
        "export: pieces of a floor, CSV": f"{api}/elements.csv?node_id={example.node_id}",
        "export: element types, CSV": f"{api}/export_csv_element_type",
        "export: element types, workbook": f"{api}/export/excel",
        "export: all pieces, CSV": f"{api}/elements.csv",
    }


def measure(
    client: FlaskClient, headers: Mapping[str, str], requested: Mapping[str, str], repeats: int
) -> dict[str, Answer]:
    """Return what each of the addresses takes by its name; the answers are made in this process."""
    return {name: _measure(client, headers, address, repeats) for name, address in requested.items()}


def _measure(client: FlaskClient, headers: Mapping[str, str], address: str, repeats: int) -> Answer:
    seconds = []
    before = _cpu_seconds()
    for _ in range(repeats):
        started = time.perf_counter()
        answer = client.get(address, headers=dict(headers))
        assert answer.status_code == 200, (address, answer.status_code, answer.get_data(as_text=True)[:500])
        answer.get_data()
        answer.close()
        seconds.append(time.perf_counter() - started)
    cpu = (_cpu_seconds() - before) / repeats
    later = seconds[1:] or seconds
    return Answer(seconds[0] * 1000, statistics.median(later) * 1000, cpu * 1000)


def _cpu_seconds() -> float:
    """Return the processor time of this process and of its connections' PostgreSQL processes."""
    own = time.process_time()
    pids = db.session.execute(text("SELECT pid FROM pg_stat_activity WHERE usename = current_user")).scalars().all()
    db.session.rollback()
    for pid in pids:
        try:
            used = psutil.Process(pid).cpu_times()
        except psutil.Error:
            continue
        own += used.user + used.system
    return own
