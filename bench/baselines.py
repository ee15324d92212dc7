"""Baselines of the import: the fastest way to store the same rows, and the usual way with pandas."""

from __future__ import annotations

import io
import multiprocessing
from pathlib import Path
from typing import Any

import pandas
import psycopg2
import psycopg2.extensions
from python_calamine import load_workbook
from sqlalchemy import create_engine, text

from bench import table_rows
from bench.table_rows import MEASURES, Ids
from bench.workbooks import BASE, DRAWINGS, NODES, PRODUCTS, STAGES
from precast_app.config import database_uri

_FIRST = len(BASE)
_GROUPS = [
    (DRAWINGS, "element_type_drawings (element_type_id, drawing_type_id, file_name)"),
    (NODES, "element_type_quantities (element_type_id, node_id, quantity)"),
    (STAGES, "element_type_stages (element_type_id, stage_id)"),
    (PRODUCTS, "element_type_bom (element_type_id, product_id, quantity)"),
]


def floor(database_url: str, path: Path, project_id: int, ids: Ids, conventions: list[str]) -> None:
    """Store the same rows in the same tables with the same constraints: read with calamine, then one COPY per table."""
    _store_part(database_url, path, project_id, ids, conventions, part=0, parts=1)


def parallel_floor(database_url: str, path: Path, project_id: int, ids: Ids, conventions: list[str]) -> None:
    """Do as `floor` in two processes at once, each with half of the rows. Raise `SystemExit` if one of them fails."""
    arguments = (database_url, path, project_id, ids, conventions)
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=_store_part, args=arguments, kwargs={"part": part, "parts": 2}) for part in (0, 1)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit("a process of the parallel floor failed")


def _store_part(
    database_url: str, path: Path, project_id: int, ids: Ids, conventions: list[str], *, part: int, parts: int
) -> None:
    """Store one of `parts` equal parts of the file's rows, counted from 0."""
    every = load_workbook(str(path)).get_sheet_by_name("Element Types").to_python()[1:]
    first = len(every) * part // parts
    rows = every[first : len(every) * (part + 1) // parts]
    columns = [ids["drawings"], ids["nodes"], ids["stages"], ids["products"]]
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        types = "\n".join(
            "\t".join(map(_text, (number, project_id, str(row[0]).lower(), str(row[1]).lower(), *row[: len(BASE)])))
            for number, row in enumerate(rows, first + 1)
        )
        _copy(
            cursor,
            f"element_types (id, project_id, type_key, name_key, element_type, name, {', '.join(MEASURES)}, version)",
            types,
        )
        start = _FIRST
        for (headings, table), targets in zip(_GROUPS, columns, strict=True):
            span = slice(start, start + len(headings))
            start += len(headings)
            if headings is STAGES:
                lines = "\n".join(
                    f"{number}\t{target}"
                    for number, row in enumerate(rows, first + 1)
                    for target, cell in zip(targets, row[span], strict=True)
                    if cell
                )
            else:
                lines = "\n".join(
                    f"{number}\t{target}\t{_text(cell)}"
                    for number, row in enumerate(rows, first + 1)
                    for target, cell in zip(targets, row[span], strict=True)
                    if cell != ""
                )
            _copy(cursor, table, lines)
        pieces = _pieces(every[: first + len(rows)], project_id, ids["nodes"], conventions, first=first)
        _copy(cursor, "pieces (project_id, element_type_id, node_id, number, code)", "\n".join(pieces))


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


def _pieces(
    rows: list[list[Any]], project_id: int, nodes: list[int], conventions: list[str], *, first: int = 0
) -> list[str]:
    """Return the lines of the pieces of the rows from `first` on."""
    pieces = table_rows.pieces(rows, project_id, nodes, conventions, first=first)
    return [f"{project}\t{type_id}\t{node}\t{number}\t{code}" for project, type_id, node, number, code in pieces]


def _text(value: Any) -> str:
    if value == "":
        return "\\N"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _copy(cursor: psycopg2.extensions.cursor, table: str, lines: str) -> None:
    cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(lines + "\n"))
