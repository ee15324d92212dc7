"""The rule of a piece's way: what a move does to its status and its stages, or why it is refused. Pure.

`docs/data-model.md` has the table of its cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType

from precast_app.enums import PIECE_STEPS, PieceEventKind, PieceStatus
from precast_app.messages import Message

# A piece may have been made before its element type was imported, but a date further back has a wrong year.
_MAX_TIME_BEFORE_IMPORT = timedelta(days=366)
# The clocks of phones are not exact, and east of Greenwich a day begins earlier.
_CLOCK_TOLERANCE = timedelta(minutes=5)
_EARLIEST_DAY = timedelta(hours=14)
_RANKS = {status: rank for rank, status in enumerate(PIECE_STEPS)}


class MoveRefused(Exception):
    """A move that is not possible: a stable `code`, a message that says what to do, and the part that is wrong.

    `about` is `status`, `stage`, `date`, `note` or `reason`.
    """

    def __init__(self, code: str, message: str, *, about: str) -> None:
        super().__init__(message)
        self.code = code
        self.about = about
        self.message = message


_WORDS = {
    PieceStatus.PLANNED: Message("planned"),
    PieceStatus.IN_PRODUCTION: Message("in production"),
    PieceStatus.PRODUCED: Message("produced"),
    PieceStatus.DISPATCHED: Message("dispatched"),
    PieceStatus.ERECTED: Message("erected"),
    PieceStatus.SCRAPPED: Message("scrapped"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened: a time, or only a day; then `at` is its beginning in UTC."""

    at: datetime
    is_day: bool = False

    @classmethod
    def of(cls, given: date | datetime | None, now: datetime) -> Moment:
        """Return the moment that a person gave; a time without a zone is in UTC, and nothing is now."""
        if given is None:
            return cls(now)
        if isinstance(given, datetime):
            return cls(given if given.tzinfo else given.replace(tzinfo=UTC))
        return cls(datetime.combine(given, time(), UTC), is_day=True)


@dataclass(frozen=True, slots=True)
class StageRule:
    """A stage of production, and the status that a piece reaches by passing it, if any."""

    id: int
    name: str
    reaches: PieceStatus | None = None


@dataclass(frozen=True, slots=True)
class PieceState:
    """What is known of a piece: its status, since when, and when it passed which stage, by stage id.

    `own_stages` are the ids of the stages that its element type goes through, `notes` the texts of its history. A
    scrapped piece `can_be_restored` as long as its replacement is planned.
    """

    status: PieceStatus
    since: datetime | None
    created_at: datetime
    passed: Mapping[int, datetime] = field(default_factory=lambda: MappingProxyType({}))
    own_stages: frozenset[int] = frozenset()
    notes: frozenset[str] = frozenset()
    can_be_restored: bool = True


@dataclass(frozen=True, slots=True)
class Move:
    """What a person says about a piece: its status, a stage that it passed, a note; when; and the reason for it."""

    moment: Moment
    status: PieceStatus | None = None
    stage_id: int | None = None
    note: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """An event to add to a piece's history, with the fields of `models.PieceEvent`.

    `reached_at` is since when the piece has the status `after`; it is set in the piece.
    """

    kind: PieceEventKind
    at: datetime
    before: str | None = None
    after: str | None = None
    since: datetime | None = None
    reached_at: datetime | None = None
    stage_id: int | None = None
    note: str | None = None


def decide(
    piece: PieceState, move: Move, stages: Mapping[int, StageRule], now: datetime
) -> tuple[PieceState, tuple[Change, ...]]:
    """Return the piece after a move, and the changes that it consists of; none if the piece is like that already.

    `stages` are all stages of the project, by id. Raise `MoveRefused` if the move is not possible.
    """
    if move.status is None and move.stage_id is None and move.note is None:
        raise MoveRefused(
            "missing_value", "There is neither a status nor a stage nor a note. Fill in one.", about="status"
        )
    _check_date(piece, move.moment, now)
    moved, changes = piece, list[Change]()
    if move.stage_id is not None:
        moved, changes = _pass_stage(moved, move, stages)
    if move.status is not None:
        moved, more = _set_status(moved, move, move.status, stages)
        changes += more
    if not changes and move.note and move.note not in piece.notes:
        changes.append(Change(PieceEventKind.NOTE, move.moment.at, note=move.note))
    elif changes and (text := _reason_and_note(move)):
        changes[-1] = replace(changes[-1], note=text)
    if notes := {each.note for each in changes if each.note}:
        moved = replace(moved, notes=moved.notes | notes)
    return moved, tuple(changes)


def is_before_import(piece: PieceState, moment: Moment) -> bool:
    """Return whether something happened to a piece before the project had it."""
    return moment.at.date() < piece.created_at.date() if moment.is_day else moment.at < piece.created_at


def _pass_stage(piece: PieceState, move: Move, stages: Mapping[int, StageRule]) -> tuple[PieceState, list[Change]]:
    stage = stages.get(move.stage_id or 0)
    if stage is None:
        raise MoveRefused(
            "unknown_stage", "The project has no such stage any more. Load the page again.", about="stage"
        )
    if piece.status is PieceStatus.SCRAPPED:
        raise MoveRefused("illegal_move", "The piece was scrapped, so it can't pass a stage.", about="stage")
    if stage.id in piece.passed:
        return piece, []
    if stage.id not in piece.own_stages:
        names = ", ".join(each.name for each in stages.values() if each.id in piece.own_stages)
        raise MoveRefused(
            "stage_not_of_type",
            Message(
                "The element type does not go through %(stage)s. %(stages)s",
                stage=stage.name,
                stages=Message("Its stages are %(stages)s.", stages=names) if names else Message("It has no stages."),
            ),
            about="stage",
        )
    at = move.moment.at
    changes = [Change(PieceEventKind.STAGE, at, after=at.isoformat(), stage_id=stage.id)]
    piece = replace(piece, passed={**piece.passed, stage.id: at})
    reached = stage.reaches or PieceStatus.IN_PRODUCTION
    if _RANKS[reached] > _RANKS[piece.status]:
        piece, change = _reach(piece, move, reached)
        changes.append(change)
    return piece, changes


def _set_status(
    piece: PieceState, move: Move, status: PieceStatus, stages: Mapping[int, StageRule]
) -> tuple[PieceState, list[Change]]:
    if status is piece.status:
        return piece, []
    if status is PieceStatus.SCRAPPED:
        return _scrap(piece, move)
    is_backwards = piece.status is PieceStatus.SCRAPPED or _RANKS[status] < _RANKS[piece.status]
    if not is_backwards:
        piece, change = _reach(piece, move, status)
        return piece, [change]
    if not move.reason:
        raise MoveRefused(
            "illegal_move",
            Message(
                "The piece %(state)s, so it can only become %(status)s again with a reason. Say why.",
                state=_describe(piece),
                status=_WORDS[status],
            ),
            about="status",
        )
    if not piece.can_be_restored:
        raise MoveRefused(
            "illegal_move",
            "The piece was scrapped, and its replacement is in production or was removed. It stays scrapped.",
            about="status",
        )
    withdrawn = list(_withdrawn(piece, status, stages))
    changes = [
        Change(PieceEventKind.STAGE, move.moment.at, before=piece.passed[id_].isoformat(), stage_id=id_)
        for id_ in withdrawn
    ]
    piece, change = _reach(piece, move, status)
    passed = {id_: at for id_, at in piece.passed.items() if id_ not in withdrawn}
    return replace(piece, passed=passed), [*changes, change]


def _scrap(piece: PieceState, move: Move) -> tuple[PieceState, list[Change]]:
    if piece.status is PieceStatus.PLANNED:
        raise MoveRefused(
            "illegal_move",
            "The piece is planned: there is nothing to scrap. Lower the quantity of its element type instead.",
            about="status",
        )
    if not move.reason:
        raise MoveRefused("reason_missing", "A scrapped piece needs a reason. Say why it was scrapped.", about="reason")
    piece, change = _reach(piece, move, PieceStatus.SCRAPPED)
    return piece, [change]


def _reach(piece: PieceState, move: Move, status: PieceStatus) -> tuple[PieceState, Change]:
    at = move.moment.at
    if piece.since is not None and at < piece.since:
        if not move.moment.is_day or at.date() < piece.since.date():
            raise MoveRefused(
                "date_before_last_move",
                Message("The piece %(state)s, and the date is before that. Correct the date.", state=_describe(piece)),
                about="date",
            )
        # A day alone is the same moment as the last move of that day.
        at = piece.since
    change = Change(PieceEventKind.STATUS, at, before=piece.status, after=status, since=piece.since, reached_at=at)
    return replace(piece, status=status, since=at), change


def _withdrawn(piece: PieceState, status: PieceStatus, stages: Mapping[int, StageRule]) -> Iterable[int]:
    """Yield the passed stages that mean more than a status which the piece goes back to; for a planned piece, all."""
    for id_ in piece.passed:
        reaches = stages[id_].reaches if id_ in stages else None
        if _RANKS[reaches or PieceStatus.IN_PRODUCTION] > _RANKS[status]:
            yield id_


def _check_date(piece: PieceState, moment: Moment, now: datetime) -> None:
    is_future = moment.at.date() > (now + _EARLIEST_DAY).date() if moment.is_day else moment.at > now + _CLOCK_TOLERANCE
    if is_future:
        raise MoveRefused("date_in_future", "The date is in the future. Enter when it happened.", about="date")
    if moment.at < piece.created_at - _MAX_TIME_BEFORE_IMPORT:
        raise MoveRefused(
            "date_before_piece",
            Message(
                "The date is more than a year before the piece was imported (%(date)s). Check the year.",
                date=_day(piece.created_at),
            ),
            about="date",
        )


def _reason_and_note(move: Move) -> str | None:
    return "\n".join(filter(None, (move.reason, move.note))) or None


def _describe(piece: PieceState) -> str:
    if piece.since is None:
        return Message("is %(status)s", status=_WORDS[piece.status])
    return Message("is %(status)s since %(date)s", status=_WORDS[piece.status], date=_day(piece.since))


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"
