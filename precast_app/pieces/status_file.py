"""Lists of pieces with a status, a stage or a note each: a sheet to rows and issues. Pure.

A list has headings in any order, or is a bare list of codes for which the job says the status or the stage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from precast_app.enums import PieceStatus, Severity
from precast_app.errors import JobFailed, NoDataRows
from precast_app.importing import cell_parsing
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.issues import Issue
from precast_app.importing.profiles import application, matching, vocabulary
from precast_app.importing.profiles.profile import ImportProfile, PieceStatusTarget
from precast_app.messages import Message
from precast_app.pieces import status_words
from precast_app.pieces.nearest_codes import code_of_label
from precast_app.pieces.status_dates import DayFirst, day_order, parse_date
from precast_app.spreadsheets import Book, Cell, SheetRow, column_letter, unescape_formula
from precast_app.text import clean_text, match_key

_MAX_CODE, _MAX_NOTE = 320, 2_000
# Kinds of headings of other lists that can name the column of the codes, the surest first.
_CODE_KINDS = ("serial", "name")
_NO_HEADINGS = Message(
    "The file has no headings Piece and Status. Write Piece, Status (or Stage), Date and Note above the columns, say "
    "on the page Import which other headings your lists have, or upload a list of piece codes alone and choose the "
    "status that all of them have."
)


@dataclass(frozen=True, slots=True)
class MoveDefaults:
    """What the job says about rows that don't say it themselves: a status or a stage, and a day or a time."""

    status: PieceStatus | None = None
    stage: str | None = None
    date: date | datetime | None = None

    @property
    def is_move(self) -> bool:
        """Whether a row that is only a code says enough."""
        return self.status is not None or self.stage is not None


@dataclass(frozen=True, slots=True)
class ListColumns:
    """Where a list has its columns: the index of each by its name, the headings, and the number of their row.

    A bare list of codes has no heading row; its codes are in the first column.
    """

    sheet: str
    indices: Mapping[str, int]
    headings: Sequence[str] = ()
    header_row: int = 0

    def issue(self, code: str, message: str, row: int, *, about: str, value: str | None = None) -> Issue:
        """Return an error in the cell of a row that is about one of the columns; in the piece's, if there is none."""
        index = self.indices.get(about, self.indices["piece"])
        return Issue(
            severity=Severity.ERROR,
            code=code,
            message=message,
            row=row,
            column=column_letter(index + 1),
            heading=self.headings[index] if index < len(self.headings) else None,
            value=value,
            sheet=self.sheet or None,
        )


@dataclass(frozen=True, slots=True)
class StatusRow:
    """What a row says: the code of a piece, and its status, stage, note and reason; `values` are its cells' texts."""

    number: int
    code: str
    status: PieceStatus | None = None
    stage_id: int | None = None
    date: date | datetime | None = None
    note: str | None = None
    reason: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatusList:
    """A list that was read: its valid rows, the issues of the others, and the number of all data rows."""

    columns: ListColumns
    rows: tuple[StatusRow, ...]
    issues: tuple[Issue, ...]
    total: int


def find_columns(book: Book, profile: ImportProfile | None = None, *, has_default: bool) -> ListColumns:
    """Return the columns of the first visible sheet that is a list of pieces, or of the one that the profile knows.

    With `has_default` the job says a status or a stage, and a bare list of codes is enough. Raise `JobFailed` if there
    is no list.
    """
    if profile is not None:
        return _columns_of_profile(book, profile, has_default=has_default)
    visible = [sheet for sheet in book.sheets if sheet not in book.hidden_sheets] or list(book.sheets)
    for sheet in visible:
        for row in book.scan(sheet).head:
            indices = _indices(row)
            if "piece" in indices and (has_default or indices.keys() & {"status", "stage", "note"}):
                return ListColumns(sheet, indices, [_text(cell) for cell in row.cells], row.number)
    if has_default:
        return ListColumns(visible[0], {"piece": 0})
    raise JobFailed(_NO_HEADINGS)


def is_status_list(book: Book) -> bool:
    """Return whether a sheet has headings for pieces and for their status."""
    for sheet in book.sheets:
        for row in book.scan(sheet).head:
            indices = _indices(row)
            if "piece" in indices and "status" in indices:
                return True
    return False


def count_rows(book: Book, profile: ImportProfile | None = None, *, has_default: bool) -> int:
    """Return the number of rows below the headings, from a scan of the sheet; raise `JobFailed` if there are none."""
    columns = find_columns(book, profile, has_default=has_default)
    scan = book.scan(columns.sheet)
    count = scan.row_count - sum(row.number <= columns.header_row for row in scan.head)
    if count < 1:
        raise NoDataRows
    return count


def read(
    book: Book, defaults: MoveDefaults, stage_names: Mapping[int, str], profile: ImportProfile | None = None
) -> StatusList:
    """Return the rows of a list and its issues; `stage_names` are those of the project's stages, by id.

    Raise `JobFailed` if headings are missing or the defaults name a stage that the project lacks.
    """
    columns = find_columns(book, profile, has_default=defaults.is_move)
    data = [row for row in book.rows(columns.sheet) if row.number > columns.header_row]
    order = day_order(_column(data, columns.indices.get("date")))
    reader = _RowReader(columns, defaults, stage_names, order, profile.values if profile else {})
    rows, issues = [], list(_order_warning(reader.order, columns))
    for row in data:
        found = reader.read(row)
        if isinstance(found, StatusRow):
            rows.append(found)
        else:
            issues += found
    rows, repeated = _drop_repeated(rows, columns)
    return StatusList(columns, tuple(rows), (*issues, *repeated), len(data))


class _RowReader:
    """Reads the rows of one list."""

    def __init__(
        self,
        columns: ListColumns,
        defaults: MoveDefaults,
        stage_names: Mapping[int, str],
        order: DayFirst,
        replacements: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._columns = columns
        self._defaults = defaults
        self._stage_names = stage_names
        self._stages = {match_key(name): id_ for id_, name in stage_names.items()}
        self._replacements = {
            name: {match_key(old): new for old, new in replacements.get(name, {}).items()}
            for name in ("status", "stage")
        }
        self.order = order
        self._default_stage = None if defaults.stage is None else self._stage_of(defaults.stage)
        if defaults.stage is not None and self._default_stage is None:
            raise JobFailed(
                Message(
                    "The project has no stage %(stage)s. %(stages)s",
                    stage=f"{defaults.stage!r}",
                    stages=self._known_stages(),
                )
            )

    def read(self, row: SheetRow) -> StatusRow | list[Issue]:
        """Return what a row says, or what is wrong with its cells."""
        texts = {name: self._replaced(name, _text(row.cells[index])) for name, index in self._filled(row)}
        issues: list[Issue] = []
        code = code_of_label(texts.get("piece", ""))
        if not code:
            issues.append(
                self._issue(
                    "missing_value", Message("The code of the piece is missing. Fill it in."), row, about="piece"
                )
            )
        elif len(code) > _MAX_CODE:
            issues.append(
                self._issue(
                    "text_too_long",
                    Message("This is too long for the code of a piece."),
                    row,
                    about="piece",
                    value=code,
                )
            )
        status, stage_id = self._move(row, texts, issues)
        moment = self._date(row, issues)
        for name in ("note", "reason"):
            if len(texts.get(name, "")) > _MAX_NOTE:
                message = Message(
                    "The text has %(length)s characters. Shorten it to %(limit)s.",
                    length=len(texts[name]),
                    limit=_MAX_NOTE,
                )
                issues.append(self._issue("text_too_long", message, row, about=name, value=texts[name]))
        if issues:
            return issues
        note, reason = texts.get("note") or None, texts.get("reason") or None
        return StatusRow(row.number, code, status, stage_id, moment or self._defaults.date, note, reason, texts)

    def _move(
        self, row: SheetRow, texts: Mapping[str, str], issues: list[Issue]
    ) -> tuple[PieceStatus | None, int | None]:
        """Return the status and the stage of a row; a stage may stand in the column of the status, too."""
        status, stage_id = None, None
        if written := texts.get("status"):
            status = status_words.status_of(written)
            stage_id = None if status else self._stage_of(written)
            if status is None and stage_id is None:
                names = ", ".join(each.replace("_", " ") for each in PieceStatus)
                message = Message(
                    "This is no status. Write one of: %(statuses)s; or one of the project's stages.", statuses=names
                )
                issues.append(self._issue("unknown_status", message, row, about="status", value=written))
        if written := texts.get("stage"):
            stage_id = self._stage_of(written)
            if stage_id is None:
                message = Message("The project has no such stage. %(stages)s", stages=self._known_stages())
                issues.append(self._issue("unknown_stage", message, row, about="stage", value=written))
        if not issues and status is None and stage_id is None:
            status, stage_id = self._defaults.status, self._default_stage
            if status is None and stage_id is None and not texts.get("note"):
                message = Message("The row says nothing about the piece. Write a status, a stage or a note.")
                issues.append(self._issue("missing_value", message, row, about="status"))
        return status, stage_id

    def _date(self, row: SheetRow, issues: list[Issue]) -> date | datetime | None:
        index = self._columns.indices.get("date")
        if index is None or index >= len(row.cells):
            return None
        try:
            return parse_date(row.cells[index], self.order)
        except InvalidCell as invalid:
            value = cell_parsing.display_text(row.cells[index])[:200]
            issues.append(self._columns.issue(invalid.code, invalid.message, row.number, about="date", value=value))
            return None

    def _replaced(self, name: str, written: str) -> str:
        rules = self._replacements.get(name)
        return rules.get(match_key(written), written) if rules else written

    def _stage_of(self, written: str) -> int | None:
        found = self._stages.get(match_key(written))
        if found is None and len(written) <= vocabulary.MAX_HEADING_LENGTH:
            name = vocabulary.load().items.get(("stage", vocabulary.squash(written)))
            found = self._stages.get(match_key(name)) if name else None
        return found

    def _known_stages(self) -> str:
        names = ", ".join(self._stage_names.values())
        return Message("Its stages are %(stages)s.", stages=names) if names else Message("It has no stages.")

    def _filled(self, row: SheetRow) -> Iterator[tuple[str, int]]:
        return ((name, index) for name, index in self._columns.indices.items() if index < len(row.cells))

    def _issue(self, code: str, message: str, row: SheetRow, *, about: str, value: str | None = None) -> Issue:
        return self._columns.issue(code, message, row.number, about=about, value=value[:200] if value else None)


def _columns_of_profile(book: Book, profile: ImportProfile, *, has_default: bool) -> ListColumns:
    header = matching.find_header(book, profile)
    found = matching.match_columns(header.headings, profile)
    indices = {
        each.target.field.value: index for index, each in found.items() if isinstance(each.target, PieceStatusTarget)
    }
    if not has_default and not indices.keys() & {"status", "stage", "note"}:
        raise JobFailed(
            Message(
                "The import profile %(profile)s reads only the codes of the pieces from this file. Choose the status "
                "that all of them have.",
                profile=profile.name,
            )
        )
    headings = [""] * (max(each.index for each in header.headings) + 1)
    for each in header.headings:
        headings[each.index] = each.text
    return ListColumns(header.sheet, indices, headings, application.first_data_row(profile, header) - 1)


def _indices(row: SheetRow) -> dict[str, int]:
    """Return the indices of the columns that the headings of a row name; the first one of each counts."""
    texts = [_text(cell) for cell in row.cells]
    found: dict[str, int] = {}
    for index, heading in enumerate(texts):
        if (name := status_words.column_of(heading)) is not None:
            found.setdefault(name, index)
    if "piece" not in found and found:
        kinds = {
            each.kind: index
            for index, heading in reversed(list(enumerate(texts)))
            if index not in found.values()
            for each in vocabulary.plain_meanings(heading)[:1]
        }
        code = next((kinds[kind] for kind in _CODE_KINDS if kind in kinds), None)
        if code is not None:
            found["piece"] = code
    return found


def _drop_repeated(rows: Sequence[StatusRow], columns: ListColumns) -> tuple[list[StatusRow], list[Issue]]:
    """Return the rows without those that say again what an earlier one says: the status, or the same stage."""
    first: dict[tuple[str, int | None], int] = {}
    kept, issues = [], []
    for row in rows:
        known = first.setdefault((row.code, row.stage_id), row.number)
        if known == row.number:
            kept.append(row)
            continue
        message = Message("Row %(row)s already has this piece. Keep one of the two rows.", row=known)
        issues.append(columns.issue("duplicate_row", message, row.number, about="piece", value=row.code))
    return kept, issues


def _order_warning(order: DayFirst, columns: ListColumns) -> Iterator[Issue]:
    if order is DayFirst.UNCLEAR:
        index = columns.indices["date"]
        yield Issue(
            severity=Severity.WARNING,
            code="unclear_date",
            message="It is not clear whether the dates begin with the day or the month. They were read with the day "
            "first. Write them as 2026-10-12 to be sure.",
            column=column_letter(index + 1),
            heading=columns.headings[index],
            sheet=columns.sheet or None,
        )


def _column(rows: Sequence[SheetRow], index: int | None) -> Iterator[Cell]:
    if index is not None:
        yield from (row.cells[index] for row in rows if index < len(row.cells))


def _text(cell: Cell) -> str:
    return clean_text(unescape_formula(cell_parsing.display_text(cell_parsing.shown_cell(cell))))
