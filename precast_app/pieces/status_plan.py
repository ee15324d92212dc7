"""What a list of pieces would change, row by row, from the state of the pieces. Pure but for the state it is given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from precast_app.enums import PieceEventKind, Severity
from precast_app.importing.issues import Issue
from precast_app.messages import Message, plural_message
from precast_app.pieces import transitions
from precast_app.pieces.moves import StoredPiece
from precast_app.pieces.status_file import ListColumns, StatusRow
from precast_app.pieces.transitions import Change, Moment, Move, MoveRefused, PieceState, StageRule
from precast_app.spreadsheets import column_letter

# Unknown codes that are compared with the pieces; a list of another project has thousands of them.
_MAX_SUGGESTIONS = 200


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """The changes that a row makes to a piece."""

    row: int
    piece_id: int
    changes: tuple[Change, ...]

    @property
    def main_change(self) -> Change:
        """The change of the status, if there is one; else the last one."""
        status = [each for each in self.changes if each.kind is PieceEventKind.STATUS]
        return (status or self.changes)[-1]


@dataclass(slots=True)
class StatusPlan:
    """What happens to each row; `changes` are all changes of a piece, by its id, in the order of the rows."""

    rows: list[PlannedRow] = field(default_factory=list)
    changes: dict[int, list[Change]] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    unchanged: int = 0

    @property
    def digest(self) -> str:
        """A hash that is the same for plans which make the same changes."""
        found = [
            [each.row, each.piece_id, [[change.kind, change.before, change.after, change.stage_id, change.note]
                                       for change in each.changes]]
            for each in self.rows
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def build(
    rows: Iterable[StatusRow],
    columns: ListColumns,
    pieces: Mapping[str, StoredPiece],
    stages: Mapping[int, StageRule],
    now: datetime,
    nearest: Callable[[str], str | None],
) -> StatusPlan:
    """Decide for each row what it changes; `pieces` are the known ones by code, `nearest` finds a similar code."""
    plan = StatusPlan()
    states: dict[int, PieceState] = {}
    early: list[StatusRow] = []
    unknown = 0
    for row in rows:
        piece = pieces.get(row.code)
        if piece is None:
            similar = nearest(row.code) if unknown < _MAX_SUGGESTIONS else None
            unknown += 1
            plan.issues.append(_unknown_issue(row, columns, similar))
            continue
        state = states.get(piece.id, piece.state)
        moment = Moment.of(row.date, now)
        asked = Move(moment, row.status, row.stage_id, row.note, row.reason)
        try:
            states[piece.id], changes = transitions.decide(state, asked, stages, now)
        except MoveRefused as refused:
            value = row.values.get(refused.about) or row.code
            plan.issues.append(
                columns.issue(refused.code, refused.message, row.number, about=refused.about, value=value[:200])
            )
            continue
        if not changes:
            plan.unchanged += 1
            continue
        if row.date is not None and transitions.is_before_import(state, moment):
            early.append(row)
        plan.rows.append(PlannedRow(row.number, piece.id, changes))
        plan.changes.setdefault(piece.id, []).extend(changes)
    plan.issues += _early_warning(early, columns)
    return plan


def _unknown_issue(row: StatusRow, columns: ListColumns, similar: str | None) -> Issue:
    hint = (
        Message("Did you mean %(code)s?", code=similar) if similar else Message("Correct the code, or remove the row.")
    )
    message = Message("The project has no piece with this code. %(hint)s", hint=hint)
    return columns.issue("unknown_piece", message, row.number, about="piece", value=row.code[:200])


def _early_warning(rows: Sequence[StatusRow], columns: ListColumns) -> list[Issue]:
    """Return a warning in the first cell with a date before its piece was imported; it counts the others."""
    if not rows:
        return []
    more = len(rows) - 1
    index = columns.indices.get("date")
    return [
        Issue(
            severity=Severity.WARNING,
            code="date_before_import",
            message=plural_message(
                "The date is before the piece was imported. So is that of another row. They were taken as written.",
                "The date is before the piece was imported. So are those of %(count)s other rows. They were "
                "taken as written.",
                more,
            )
            if more
            else Message("The date is before the piece was imported. It was taken as written."),
            row=rows[0].number,
            column=None if index is None else column_letter(index + 1),
            heading=None if index is None or index >= len(columns.headings) else columns.headings[index],
            value=rows[0].values.get("date", "")[:200] or None,
            sheet=columns.sheet or None,
        )
    ]
