"""One piece by the API and on its page: its stages and its history."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape

from precast_app.extensions import db
from precast_app.models import PieceEvent, PieceEventKind, PieceStage, Role
from tests.conftest import EXAMPLES, run_import
from tests.pages import page, signed_in


def test_a_piece_has_its_stages_and_its_history(app: Flask, client: FlaskClient, green_meadows: int) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.csv")
    editor = signed_in(app, green_meadows, "eve", Role.EDITOR)
    first = editor.get(f"/api/project/{green_meadows}/elements?limit=1").get_json()["elements"][0]
    path = f"/api/elements/{first['id']}"
    new = editor.get(path).get_json()["element"]
    assert {name: new[name] for name in first} == first
    assert (new["project_id"], new["next_status"], new["events"]) == (green_meadows, "in_production", [])
    assert [stage["passed_at"] for stage in new["stages"]] == [None] * len(new["stages"])
    positions = [stage["position"] for stage in new["stages"]]
    assert (positions == sorted(positions), len(positions) > 1) == (True, True)

    day = datetime(2026, 10, 12, tzinfo=UTC)
    stage = new["stages"][0]
    db.session.add(PieceStage(piece_id=first["id"], stage_id=stage["stage_id"], passed_at=day))
    for kind, before, after, stage_id, note in (
        (PieceEventKind.STAGE, None, day.isoformat(), stage["stage_id"], None),
        (PieceEventKind.STATUS, "planned", "in_production", None, "<b>urgent</b>"),
    ):
        db.session.add(
            PieceEvent(
                project_id=green_meadows, piece_id=first["id"], kind=kind, from_value=before, to_value=after,
                stage_id=stage_id, happened_at=day, user_name="eve", note=note,
            )
        )  # fmt: skip
    db.session.commit()
    moved = editor.get(path).get_json()["element"]
    assert moved["stages"][0]["passed_at"] == "2026-10-12T00:00:00Z"
    assert [(each["kind"], each["from"], each["to"], each["stage"]) for each in moved["events"]] == [
        ("status", "planned", "in_production", None),
        ("stage", None, day.isoformat(), stage["name"]),
    ]
    shown = page(editor, f"/pieces/{first['id']}")
    for text in ("12 Oct 2026, eve", f"<strong>{escape(stage['name'])}</strong> passed", "&lt;b&gt;urgent&lt;/b&gt;"):
        assert text in shown
    assert f"{escape(new['stages'][1]['name'])} passed</button>" in shown
    assert client.get(path).status_code == 401
    assert editor.get("/api/elements/999999").status_code == 404
