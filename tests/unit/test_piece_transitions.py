"""The rule of a piece's way: the cases of the table in docs/data-model.md."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from precast_app.enums import PIECE_STEPS, PieceEventKind, PieceStatus
from precast_app.pieces import transitions
from precast_app.pieces.transitions import Change, Moment, Move, MoveRefused, PieceState, StageRule

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
IMPORTED = datetime(2026, 9, 1, tzinfo=UTC)
CASTING, INSPECTION, STOCKYARD, PAINTING = 3, 7, 8, 9
STAGES = {
    CASTING: StageRule(CASTING, "Casting"),
    INSPECTION: StageRule(INSPECTION, "Inspection", PieceStatus.PRODUCED),
    STOCKYARD: StageRule(STOCKYARD, "Stockyard"),
    PAINTING: StageRule(PAINTING, "Painting"),
}
PLANNED = PieceState(PieceStatus.PLANNED, None, IMPORTED, own_stages=frozenset({CASTING, INSPECTION, STOCKYARD}))
OCTOBER_12 = datetime(2026, 10, 12, 8, tzinfo=UTC)


def at(status: PieceStatus, since: datetime = OCTOBER_12) -> PieceState:
    return replace(PLANNED, status=status, since=since)


def decide(piece: PieceState, given: date | datetime | None = None, **asked: object) -> tuple[PieceState, list[Change]]:
    move = Move(Moment.of(given, NOW), **asked)  # type: ignore[arg-type] # the fields of a move
    moved, changes = transitions.decide(piece, move, STAGES, NOW)
    return moved, list(changes)


def refusal(piece: PieceState, given: date | datetime | None = None, **asked: object) -> tuple[str, str]:
    with pytest.raises(MoveRefused) as refused:
        decide(piece, given, **asked)
    return refused.value.code, refused.value.about


@pytest.mark.parametrize("start", range(len(PIECE_STEPS)))
def test_a_piece_moves_forward_by_any_number_of_steps(start: int) -> None:
    for status in PIECE_STEPS[start + 1 :]:
        moved, changes = decide(at(PIECE_STEPS[start]), date(2026, 10, 20), status=status)
        assert (moved.status, moved.since) == (status, datetime(2026, 10, 20, tzinfo=UTC))
        assert [(each.kind, each.before, each.after, each.since) for each in changes] == [
            (PieceEventKind.STATUS, PIECE_STEPS[start], status, OCTOBER_12)
        ]


def test_the_same_status_changes_nothing_but_may_add_a_note_once() -> None:
    piece = at(PieceStatus.PRODUCED)
    assert decide(piece, status=PieceStatus.PRODUCED)[1] == []
    noted, changes = decide(piece, status=PieceStatus.PRODUCED, note="corner chipped")
    assert [(each.kind, each.note) for each in changes] == [(PieceEventKind.NOTE, "corner chipped")]
    assert decide(noted, status=PieceStatus.PRODUCED, note="corner chipped")[1] == []


def test_going_back_takes_a_reason_and_withdraws_the_stages_that_mean_more() -> None:
    passed = {CASTING: OCTOBER_12, INSPECTION: OCTOBER_12}
    piece = replace(at(PieceStatus.DISPATCHED), passed=passed)
    assert refusal(piece, status=PieceStatus.IN_PRODUCTION) == ("illegal_move", "status")
    moved, changes = decide(piece, status=PieceStatus.IN_PRODUCTION, reason="rejected on site")
    assert (moved.status, moved.passed) == (PieceStatus.IN_PRODUCTION, {CASTING: OCTOBER_12})
    assert [(each.kind, each.stage_id, each.after) for each in changes] == [
        (PieceEventKind.STAGE, INSPECTION, None), (PieceEventKind.STATUS, None, "in_production"),
    ]  # fmt: skip
    assert changes[-1].note == "rejected on site"
    assert decide(piece, status=PieceStatus.PLANNED, reason="wrong piece")[0].passed == {}


def test_scrapping_takes_a_reason_and_a_piece_that_was_made() -> None:
    assert refusal(PLANNED, status=PieceStatus.SCRAPPED, reason="cracked") == ("illegal_move", "status")
    piece = at(PieceStatus.PRODUCED)
    assert refusal(piece, status=PieceStatus.SCRAPPED, note="cracked") == ("reason_missing", "reason")
    scrapped, _ = decide(piece, status=PieceStatus.SCRAPPED, reason="cracked")
    assert scrapped.status is PieceStatus.SCRAPPED
    assert refusal(scrapped, stage_id=CASTING) == ("illegal_move", "stage")
    assert refusal(scrapped, status=PieceStatus.ERECTED) == ("illegal_move", "status")
    assert decide(scrapped, status=PieceStatus.PRODUCED, reason="repaired")[0].status is PieceStatus.PRODUCED
    gone = replace(scrapped, can_be_restored=False)
    assert refusal(gone, status=PieceStatus.PRODUCED, reason="repaired") == ("illegal_move", "status")


@pytest.mark.parametrize(
    ("status", "stage", "expected"),
    [
        (PieceStatus.PLANNED, CASTING, PieceStatus.IN_PRODUCTION),
        (PieceStatus.IN_PRODUCTION, STOCKYARD, PieceStatus.IN_PRODUCTION),
        (PieceStatus.PLANNED, INSPECTION, PieceStatus.PRODUCED),
        (PieceStatus.IN_PRODUCTION, INSPECTION, PieceStatus.PRODUCED),
        (PieceStatus.ERECTED, INSPECTION, PieceStatus.ERECTED),
    ],
)
def test_a_stage_moves_the_status_no_further_than_it_means(
    status: PieceStatus, stage: int, expected: PieceStatus
) -> None:
    moved, changes = decide(at(status), date(2026, 10, 20), stage_id=stage)
    assert (moved.status, set(moved.passed)) == (expected, {stage})
    assert len(changes) == 1 + (status is not expected)
    assert decide(moved, stage_id=stage)[1] == []


def test_a_stage_of_other_element_types_is_refused() -> None:
    assert refusal(PLANNED, stage_id=PAINTING) == ("stage_not_of_type", "stage")
    assert refusal(PLANNED, stage_id=99) == ("unknown_stage", "stage")


def test_dates_are_not_in_the_future_and_not_before_the_last_move() -> None:
    made = at(PieceStatus.PRODUCED)
    dispatched = PieceStatus.DISPATCHED
    assert refusal(made, date(2026, 11, 29), status=dispatched) == ("date_in_future", "date")
    assert refusal(made, datetime(2026, 11, 27, 12, 6, tzinfo=UTC), status=dispatched) == ("date_in_future", "date")
    assert refusal(made, date(2026, 10, 11), status=dispatched) == ("date_before_last_move", "date")
    assert refusal(made, OCTOBER_12.replace(hour=7), status=dispatched) == ("date_before_last_move", "date")
    assert decide(made, date(2026, 10, 12), status=dispatched)[0].since == OCTOBER_12
    assert refusal(PLANNED, date(2025, 8, 1), status=dispatched) == ("date_before_piece", "date")
    assert decide(PLANNED, date(2026, 8, 1), status=dispatched)[1]


def test_a_move_without_anything_is_refused() -> None:
    assert refusal(PLANNED) == ("missing_value", "status")
