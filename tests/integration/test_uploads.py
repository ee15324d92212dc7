"""Files that can't be imported are refused at the earliest point that can know it, and nothing is left behind."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient

from precast_app.extensions import db
from precast_app.jobs import broker
from precast_app.models import FileChunk, ImportJob
from tests.conftest import EXAMPLES

EXCEL = "/api/project/1/import/excel"
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(2_000)
BASE = "Element Type,Element Type Name,Height,Length,Thickness,Mass,Volume,Area,Width,Element Type Version\n"


def damaged() -> bytes:
    return (EXAMPLES / "element_types.xlsx").read_bytes()[:20_000]


def word_file() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<document/>")
    return content.getvalue()


def bomb() -> bytes:
    content = io.BytesIO()
    with (
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
        zipfile.ZipFile(EXAMPLES / "element_types.xlsx") as sample,
    ):
        for name in sample.namelist():
            archive.writestr(name, bytes(300_000_000) if name.endswith("sheet2.xml") else sample.read(name))
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "status", "says"),
    [
        (b"", "empty.csv", 422, "empty"),
        (b"\n\n", "blank.csv", 422, "empty"),
        (JPEG, "photo.xlsx", 415, "JPEG image"),
        (b"<html><table><tr><td>Element Type</td></tr></table></html>", "types.xls", 415, "a web page (HTML)"),
        (damaged(), "cut.xlsx", 415, "damaged"),
        (word_file(), "letter.xlsx", 415, ""),
        (b"Code,Amount\nA,1\n", "other.csv", 422, "No header row was found"),
        (bomb(), "bomb.xlsx", 415, ""),
    ],
    ids=["empty", "blank", "jpeg", "html", "damaged", "word", "no header", "bomb"],
)
def test_a_file_that_cannot_be_taken(
    client: FlaskClient, admin: dict[str, str], project_id: int, content: bytes, name: str, status: int, says: str
) -> None:
    answer = client.post(EXCEL, data={"file": (io.BytesIO(content), name)}, headers=admin)
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (status, status), body
    assert says.lower() in body["message"].lower()
    assert nothing_is_left()


def nothing_is_left() -> bool:
    db.session.rollback()
    jobs = db.session.query(ImportJob).count()
    return jobs == 0 and db.session.query(FileChunk).count() == 0 and broker.rq_queue().count == 0


@pytest.mark.parametrize("data", [{}, {"file": ""}, {"upload": (io.BytesIO(b"x"), "x.csv")}])
def test_no_file(client: FlaskClient, admin: dict[str, str], project_id: int, data: dict[str, object]) -> None:
    answer = client.post(EXCEL, data=data, content_type="multipart/form-data", headers=admin)
    assert answer.status_code == 422
    assert "multipart field `file`" in answer.get_json()["message"]
    assert nothing_is_left()


def test_an_unknown_project(client: FlaskClient, admin: dict[str, str]) -> None:
    answer = client.post(EXCEL, data={"file": (io.BytesIO(BASE.encode()), "x.csv")}, headers=admin)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("job_type", "content", "says"),
    [
        ("element_type_import", BASE.replace("Element Type Name,", "") + "WALL,,,,,,,,\n", "No header row was found."),
        ("element_type_import", BASE, "no data rows"),
        ("stage_import", "Name,Order\n", "no data rows"),
        ("stage_import", "Order\n1\n", "Name is missing"),
    ],
)
def test_problems_of_the_headings_are_reported_with_the_upload(
    client: FlaskClient, admin: dict[str, str], project_id: int, job_type: str, content: str, says: str
) -> None:
    file = (io.BytesIO(content.encode()), "x.csv")
    answer = client.post(f"/api/project/1/jobs?job_type={job_type}", data={"file": file}, headers=admin)
    assert answer.status_code == 422
    assert says in answer.get_json()["message"]
    assert nothing_is_left()


def test_two_files_in_one_request(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    files = [(io.BytesIO((BASE + "WALL,W-1\n").encode()), f"{number}.csv") for number in (1, 2)]
    answer = client.post(EXCEL, data={"file": files}, headers=admin)
    assert (answer.status_code, "More than one file" in answer.get_json()["message"]) == (422, True)
    assert nothing_is_left()


@contextmanager
def at_most(app: Flask, size: int) -> Iterator[None]:
    """Limit uploads to `size` bytes."""
    kept = app.config["PRECAST"]
    app.config["PRECAST"] = dataclasses.replace(kept, max_upload_bytes=size)
    try:
        yield
    finally:
        app.config["PRECAST"] = kept


def test_a_file_over_the_limit(app: Flask, client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    content = (EXAMPLES / "element_types.csv").read_bytes()
    with at_most(app, 2_000):
        for answer in (
            client.post(EXCEL, data={"file": (io.BytesIO(content), "x.csv")}, headers=admin),
            client.post(
                "/api/project/1/jobs?job_type=element_type_import",
                data={"file": (io.BytesIO(content), "x.csv")},
                headers=admin,
            ),
        ):
            assert (answer.status_code, answer.get_json()["status"]) == (413, "Request Entity Too Large")
            assert "Split it" in answer.get_json()["message"]
        assert nothing_is_left()
        number = client.post("/api/project/1/jobs?job_type=element_type_import", headers=admin).get_json()["job_id"]
        assert client.put(f"/api/jobs/{number}/file", data=content, headers=admin).status_code == 413


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\\\Users\\\\me\\\\walls.csv", "walls.csv"),
        ("wände №1.csv", "wände №1.csv"),
        ("x" * 300 + ".csv", "x" * 251 + ".csv"),
    ],
)
def test_a_name_is_a_name_and_no_path(
    client: FlaskClient, admin: dict[str, str], project_id: int, sent: str, kept: str
) -> None:
    answer = client.post(EXCEL, data={"file": (io.BytesIO(f"{BASE}WALL,W-1\n".encode()), sent)}, headers=admin)
    job = client.get(answer.headers["Location"], headers=admin).get_json()["job"]
    assert job["file_name"] == kept
