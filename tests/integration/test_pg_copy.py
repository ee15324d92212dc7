"""Rows that are stored by COPY are those that PostgreSQL returns."""

from __future__ import annotations

from decimal import Decimal

from flask import Flask
from sqlalchemy import text

from precast_app import database
from precast_app.extensions import db
from precast_app.importing import pg_copy


def test_a_stream_of_many_rows_is_stored_as_it_is(app: Flask) -> None:
    texts = ["", "W-1", "tab\tnew\nline\rbackslash\\N", "\\.", None, "Stütze 柱"]
    rows = [(number, texts[number % len(texts)], Decimal(number) / 8) for number in range(1203)]
    db.session.execute(text("CREATE TEMP TABLE copied (number int, text text, amount numeric) ON COMMIT DROP"))
    for stored in ([], rows):
        pg_copy.copy_stream(database.driver_cursor(), "copied (number, text, amount)", iter(stored))
        found = db.session.execute(text("SELECT * FROM copied ORDER BY number")).all()
        assert [tuple(row) for row in found] == stored
    db.session.rollback()
