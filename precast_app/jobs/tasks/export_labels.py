"""The job that makes the labels of pieces as a PDF file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from sqlalchemy import Row, Select, select

from precast_app import database
from precast_app.errors import JobFailed
from precast_app.exporting.labels.formats import FORMATS
from precast_app.exporting.labels.label import Label
from precast_app.extensions import db
from precast_app.importing import hierarchy
from precast_app.jobs import outputs
from precast_app.jobs.context import JobContext, Outcome
from precast_app.messages import plural_message
from precast_app.models import ElementType, HierarchyNode, Phase, Piece
from precast_app.pieces import selection
from precast_app.pieces.selection import PieceFilter

PDF = "application/pdf"
_PORTION = 200
_MEASURES = (("L", "length"), ("H", "height"), ("W", "width"), ("T", "thickness"))


def run(context: JobContext) -> Outcome:
    """Write a label for each piece that the job's filter finds, in the order of their codes.

    The job's parameters are `filter`, `format`, `start` (the first label of the first sheet), `date` (on the labels)
    and `address` (of the site). Raise `JobFailed` if no piece matches the filter any more.
    """
    # Imported here, because ReportLab takes memory that no other job needs.
    from precast_app.exporting.labels import sheets

    parameters = context.parameters
    label_format = FORMATS[parameters["format"]]
    context.report_progress(Phase.WRITING)
    with tempfile.TemporaryFile() as file:
        counted = _Counted(_labels(context, parameters))
        pages = sheets.write(
            file, counted, label_format, first=parameters["start"], font=context.settings.label_font
        )  # fmt: skip
        if not counted.number:
            raise JobFailed("No piece matches the filter any more. Read the list again, and choose the pieces there.")
        outputs.store(context, file, f"labels-{context.job_id}.pdf", PDF)
        db.session.commit()
    context.report_progress(Phase.WRITING, total=counted.number, processed=counted.number)
    labels = plural_message("%(count)s label", "%(count)s labels", counted.number)
    return Outcome(
        plural_message("Made %(labels)s on %(count)s page", "Made %(labels)s on %(count)s pages", pages, labels=labels)
    )


class _Counted:
    """An iterable that counts what it has yielded."""

    def __init__(self, labels: Iterator[Label]) -> None:
        self.number = 0
        self._labels = labels

    def __iter__(self) -> Iterator[Label]:
        for label in self._labels:
            self.number += 1
            yield label


def _labels(context: JobContext, parameters: Mapping[str, Any]) -> Iterator[Label]:
    places = _place_names(context.project_id)
    query = _query(context.project_id, PieceFilter.from_json(parameters["filter"]))
    last, done = "", 0
    while rows := db.session.execute(query.where(Piece.code > last)).all():
        # Drawing takes seconds, and must not keep a transaction open.
        database.release_connection()
        for row in rows:
            yield _label(row, places[row.node_id], parameters)
        last, done = rows[-1].code, done + len(rows)
        context.report_progress(Phase.WRITING, processed=done)


def _query(project_id: int, filters: PieceFilter) -> Select[Any]:
    measures = [getattr(ElementType, name) for _, name in _MEASURES]
    columns = (Piece.id, Piece.code, Piece.node_id, ElementType.element_type, ElementType.name, ElementType.mass)
    query = selection.matching(project_id, filters).with_only_columns(*columns, *measures)
    return query.join(ElementType, ElementType.id == Piece.element_type_id).order_by(Piece.code).limit(_PORTION)


def _label(row: Row[Any], place: str, parameters: Mapping[str, Any]) -> Label:
    sizes = [f"{letter} {_number(getattr(row, name))}" for letter, name in _MEASURES if getattr(row, name) is not None]
    lines = [
        f"{row.element_type} {row.name}",
        place,
        f"{' × '.join(sizes)} mm" if sizes else "",
        f"{_number(row.mass)} kg" if row.mass is not None else "",
        parameters["date"],
    ]
    address = f"{parameters['address']}/pieces/{row.id}?code={quote(row.code, safe='/')}"
    return Label(address, row.code, tuple(line for line in lines if line))


def _number(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _place_names(project_id: int) -> dict[int, str]:
    nodes = select(HierarchyNode).where(HierarchyNode.project_id == project_id)
    return hierarchy.place_names(db.session.scalars(nodes).all())
