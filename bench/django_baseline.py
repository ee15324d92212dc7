"""Baseline: a Django project with the same tables, which imports with django-import-export in bulk mode.

The configuration is the quick one that its documentation recommends: `use_bulk`, no diffs, no look-up of instances and
no signals. Rows of groups and pieces are reshaped into data sets first, since each resource stores one table.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django
import tablib
from django.conf import settings
from django.db import models, transaction
from python_calamine import load_workbook

from bench import table_rows
from bench.table_rows import MEASURES, PIECE_COLUMNS, TYPE_COLUMNS, Ids

_ROWS_AT_A_TIME = 10_000
_INTEGERS = {"id", "project_id", "number", "quantity"}


def with_import_export(database_url: str, path: Path, project_id: int, ids: Ids, conventions: list[str]) -> None:
    """Store the same rows in the same tables with django-import-export in bulk mode."""
    _set_up(database_url)
    rows = load_workbook(str(path)).get_sheet_by_name("Element Types").to_python()[1:]
    with transaction.atomic():
        types = (table_rows.type_row(row, number, project_id) for number, row in enumerate(rows, 1))
        _import("element_types", TYPE_COLUMNS, types)
        for table in table_rows.group_tables(ids):
            cells = (cells for number, row in enumerate(rows, 1) for cells in table.rows(row, number))
            _import(table.name, table.columns, cells)
        _import("pieces", PIECE_COLUMNS, table_rows.pieces(rows, project_id, ids["nodes"], conventions))


def _set_up(database_url: str) -> None:
    url = urlsplit(database_url)
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": url.hostname,
                "PORT": url.port,
                "USER": unquote(url.username or ""),
                "PASSWORD": unquote(url.password or ""),
                "NAME": url.path.lstrip("/"),
            }
        },
        INSTALLED_APPS=["import_export"],
        USE_TZ=True,
    )
    django.setup()


def _import(table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """Import the rows into a table, as many at a time as a file might have."""
    from import_export.resources import ModelResource

    options = {
        "model": _model(table, columns),
        "fields": columns,
        "import_id_fields": (),
        "use_bulk": True,
        "batch_size": 1_000,
        "skip_diff": True,
        "force_init_instance": True,
    }
    resource = type("Resource", (ModelResource,), {"Meta": type("Meta", (), options)})()
    rows = iter(rows)
    while part := list(islice(rows, _ROWS_AT_A_TIME)):
        resource.import_data(tablib.Dataset(*part, headers=columns), raise_errors=True)


def _model(table: str, columns: tuple[str, ...]) -> type[models.Model]:
    """Return the model of a table that exists; the first two columns are its key unless it has an id."""
    fields: dict[str, Any] = {column: _field(table, column) for column in columns}
    if table == "pieces":
        fields["id"] = models.BigAutoField(primary_key=True)
    elif "id" in columns:
        fields["id"] = models.IntegerField(primary_key=True)
    else:
        fields["pk"] = models.CompositePrimaryKey(*columns[:2])
    meta = type("Meta", (), {"db_table": table, "managed": False, "app_label": "import_export"})
    return type(table.title().replace("_", ""), (models.Model,), {**fields, "Meta": meta, "__module__": __name__})


def _field(table: str, column: str) -> models.Field[Any, Any]:
    if column in MEASURES or (table, column) == ("element_type_bom", "quantity"):
        return models.DecimalField(max_digits=20, decimal_places=6, null=True)
    if column in _INTEGERS or column.endswith("_id"):
        return models.IntegerField()
    return models.TextField()
