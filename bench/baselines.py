"""Baselines of the import: the fastest way to store the same rows, and the usual way with pandas."""

from __future__ import annotations

import io
import itertools
from collections import defaultdict
from pathlib import Path
from typing import Any

import pandas
import psycopg2
import psycopg2.extensions
from python_calamine import load_workbook
from sqlalchemy import create_engine, text

from bench.workbooks import BASE, DRAWINGS, NODES, PRODUCTS, STAGES
from precast_app.config import database_uri

_MEASURES = "height, length, thickness, mass, volume, area, width"
_FIRST = len(BASE)
_GROUPS = [
    (DRAWINGS, "element_type_drawings (element_type_id, drawing_type_id, file_name)"),
    (NODES, "element_type_quantities (element_type_id, node_id, quantity)"),
    (STAGES, "element_type_stages (element_type_id, stage_id)"),
    (PRODUCTS, "element_type_bom (element_type_id, product_id, quantity)"),
]

# Ids of the reference data, in the order of the headings of each group, and the nodes' naming conventions.
Ids = dict[str, list[int]]


def floor(database_url: str, path: Path, project_id: int, ids: Ids, conventions: list[str]) -> None:
    """Store the same rows in the same tables with the same constraints: read with calamine, then one COPY per table."""
    rows = load_workbook(str(path)).get_sheet_by_name("Element Types").to_python()[1:]
    columns = [ids["drawings"], ids["nodes"], ids["stages"], ids["products"]]
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        types = "\n".join(
            "\t".join(map(_text, (number, project_id, str(row[0]).lower(), str(row[1]).lower(), *row[: len(BASE)])))
            for number, row in enumerate(rows, 1)
        )
        _copy(
            cursor,
            f"element_types (id, project_id, type_key, name_key, element_type, name, {_MEASURES}, version)",
            types,
        )
        start = _FIRST
        for (headings, table), targets in zip(_GROUPS, columns, strict=True):
            span = slice(start, start + len(headings))
            start += len(headings)
            if headings is STAGES:
                lines = "\n".join(
                    f"{number}\t{target}"
                    for number, row in enumerate(rows, 1)
                    for target, cell in zip(targets, row[span], strict=True)
                    if cell
                )
            else:
                lines = "\n".join(
                    f"{number}\t{target}\t{_text(cell)}"
                    for number, row in enumerate(rows, 1)
                    for target, cell in zip(targets, row[span], strict=True)
                    if cell != ""
                )
            _copy(cursor, table, lines)
        _copy(
            cursor, "pieces (project_id, element_type_id, node_id, number, code)",
            "\n".join(_pieces(rows, project_id, ids["nodes"], conventions)),
        )  # fmt: skip


def with_pandas(database_url: str, path: Path, project_id: int, ids: Ids, conventions: list[str]) -> None:
    """Store the same rows in the same tables with pandas.read_excel and to_sql with its defaults."""
    engine = create_engine(database_uri(database_url))
    frame = pandas.read_excel(path, sheet_name="Element Types")
    frame.insert(0, "id", range(1, len(frame) + 1))
    base = frame[["id", *BASE]].rename(
        columns={**{name: name.lower() for name in BASE}, "Element Type": "element_type", "Element Type Name": "name",
                 "Element Type Version": "version"}
    )  # fmt: skip
    base["project_id"] = project_id
    base["type_key"], base["name_key"] = base["element_type"].str.lower(), base["name"].str.lower()
    with engine.begin() as connection:
        base.to_sql("element_types", connection, if_exists="append", index=False)
        for headings, group, target, value, table in (
            (DRAWINGS, "drawings", "drawing_type_id", "file_name", "element_type_drawings"),
            (NODES, "nodes", "node_id", "quantity", "element_type_quantities"),
            (STAGES, "stages", "stage_id", "flag", "element_type_stages"),
            (PRODUCTS, "products", "product_id", "quantity", "element_type_bom"),
        ):
            long = frame.melt("id", headings, target, value).dropna(subset=[value])
            long[target] = long[target].map(dict(zip(headings, ids[group], strict=True)))
            long = long.rename(columns={"id": "element_type_id"})
            if value == "flag":
                long = long.drop(columns="flag")
            long.to_sql(table, connection, if_exists="append", index=False)
        rows = frame.drop(columns="id").fillna("").values.tolist()
        lines = [line.split("\t") for line in _pieces(rows, project_id, ids["nodes"], conventions)]
        pieces = pandas.DataFrame(lines, columns=["project_id", "element_type_id", "node_id", "number", "code"])
        pieces = pieces.astype(dict.fromkeys(("project_id", "element_type_id", "node_id", "number"), int))
        pieces.to_sql("pieces", connection, if_exists="append", index=False)
    engine.dispose()


def count(database_url: str) -> dict[str, int]:
    """Return the number of rows by table, to compare what was stored."""
    engine = create_engine(database_uri(database_url))
    tables = ["element_types", *(table.split()[0] for _, table in _GROUPS), "pieces"]
    with engine.connect() as connection:
        counts = {table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables}
    engine.dispose()
    return counts


def _pieces(rows: list[list[Any]], project_id: int, nodes: list[int], conventions: list[str]) -> list[str]:
    span = slice(_FIRST + len(DRAWINGS), _FIRST + len(DRAWINGS) + len(NODES))
    counters: dict[tuple[str, int], itertools.count[int]] = defaultdict(lambda: itertools.count(1))
    lines = []
    for number, row in enumerate(rows, 1):
        for node, convention, cell in zip(nodes, conventions, row[span], strict=True):
            for _ in range(int(cell or 0)):
                piece = next(counters[row[0], node])
                lines.append(f"{project_id}\t{number}\t{node}\t{piece}\t{row[0]}/{convention}/{piece:04}")
    return lines


def _text(value: Any) -> str:
    if value == "":
        return "\\N"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _copy(cursor: psycopg2.extensions.cursor, table: str, lines: str) -> None:
    cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(lines + "\n"))
