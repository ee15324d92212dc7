"""Labels of pieces: every QR code of the PDF file is read back, in each format."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from flask import Flask
from flask.testing import FlaskClient

from precast_app.exporting.labels.formats import FORMATS
from precast_app.jobs import retention
from precast_app.jobs.runner import run_job
from tests.conftest import EXAMPLES, get_job, run_import
from tests.job_requests import Headers
from tests.job_states import age_job

_DOTS_PER_POINT = 3


@pytest.fixture
def imported(green_meadows: int) -> int:
    assert run_import(green_meadows, EXAMPLES / "element_types.xlsx").status == "completed"
    return green_meadows


def make(client: FlaskClient, headers: Headers, **body: Any) -> tuple[int, bytes]:
    """Make labels and return the job's id and the PDF file."""
    answer = client.post("/api/project/1/elements/labels", json=body, headers=headers)
    assert answer.status_code == 202, answer.get_json()
    job_id = answer.get_json()["job_id"]
    run_job(job_id)
    assert get_job(job_id).status == "completed", get_job(job_id).error
    return job_id, download(client, headers, job_id)


def download(client: FlaskClient, headers: Headers, job_id: int) -> bytes:
    with client.get(f"/api/jobs/{job_id}/output", headers=headers) as output:
        assert (output.status_code, output.mimetype) == (200, "application/pdf")
        return bytes(output.data)


def decode_pages(content: bytes) -> list[list[str]]:
    """Return the texts of the QR codes on each page, from the top down and from left to right."""
    found = []
    for page in pypdfium2.PdfDocument(BytesIO(content)):
        image = page.render(scale=_DOTS_PER_POINT).to_pil()
        codes = zxingcpp.read_barcodes(image)
        positions = [(round(code.position.top_left.y / 50), code.position.top_left.x, code.text) for code in codes]
        found.append([text for _, _, text in sorted(positions)])
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_every_code_of_every_sheet_leads_to_its_piece(
    client: FlaskClient, admin: Headers, imported: int, name: str
) -> None:
    count = FORMATS[name].per_page + 1
    pieces = client.get(f"/api/project/1/elements?sort=code&limit={count}", headers=admin).get_json()["elements"]
    ids = [piece["id"] for piece in pieces]
    job_id, content = make(client, admin, format=name, filter={"ids": ids}, date="2026-10-12")
    expected = [f"http://localhost/pieces/{piece['id']}?code={piece['code']}" for piece in pieces]
    assert decode_pages(content) == [expected[:-1], expected[-1:]]
    job = client.get(f"/api/jobs/{job_id}", headers=admin).get_json()["job"]
    assert job["result"] == f"Made {count} labels on 2 pages"
    assert (job["output"], job["processed_items"]) == (
        {"file_name": f"labels-{job_id}.pdf", "bytes": len(content)},
        count,
    )


def test_a_label_says_what_the_piece_is_and_where_it_goes(client: FlaskClient, admin: Headers, imported: int) -> None:
    query = "search=WALL/T1_F2/0001"
    piece = client.get(f"/api/project/1/elements?{query}", headers=admin).get_json()["elements"][0]
    element_type = client.get(
        f"/api/project/1/element-types/{piece['element_type_id']}", headers=admin
    ).get_json()["element_type"]  # fmt: skip
    _, content = make(client, admin, format="a4_4", filter={"search": piece["code"]}, date="2026-10-12")
    text = pypdfium2.PdfDocument(BytesIO(content))[0].get_textpage().get_text_bounded()
    shown = " ".join(text.split())
    assert "".join(shown.split()).startswith("WALL/T1_F2/0001")
    for words in (f"WALL {element_type['name']}", "Tower A / Floor 2", "2026-10-12"):
        assert words in shown
    assert re.search(rf"H {float(element_type['height']):g}\b", shown)
    assert re.search(rf"\b{float(element_type['mass']):g} kg", shown)


def test_labels_begin_at_the_first_free_one_of_a_used_sheet(client: FlaskClient, admin: Headers, imported: int) -> None:
    pieces = client.get("/api/project/1/elements?limit=6", headers=admin).get_json()["elements"]
    _, content = make(client, admin, format="a4_4", filter={"ids": [piece["id"] for piece in pieces]}, start=4)
    assert [len(page) for page in decode_pages(content)] == [1, 4, 1]


def test_the_options_of_a_query_make_labels_too(client: FlaskClient, admin: Headers, imported: int) -> None:
    address = "/api/project/1/jobs?job_type=label_export&format=a4_4&search=WALL/T1_F2/0001"
    answer = client.post(address, headers=admin)
    assert (answer.status_code, answer.get_json()["status"]) == (201, "pending")
    job_id = answer.get_json()["job_id"]
    assert client.get(f"/api/jobs/{job_id}/output", headers=admin).status_code == 404
    run_job(job_id)
    assert [len(page) for page in decode_pages(download(client, admin, job_id))] == [1]
    wrong = client.post("/api/project/1/jobs?job_type=label_export&format=a5", headers=admin)
    assert (wrong.status_code, wrong.get_json()["message"].partition(":")[0]) == (422, "format")


def test_the_same_key_makes_labels_once(client: FlaskClient, admin: Headers, imported: int) -> None:
    headers = {**admin, "Idempotency-Key": "labels-1"}
    body: dict[str, Any] = {"filter": {"type": "WALL"}}
    first, again = (
        client.post("/api/project/1/elements/labels", json=body, headers=headers).get_json() for _ in range(2)
    )
    assert first["job_id"] == again["job_id"]
    other = client.post("/api/project/1/elements/labels", json={"filter": {"type": "BEAM"}}, headers=headers)
    assert other.status_code == 409


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"filter": {"search": "nothing like this"}}, "No piece matches"),
        ({"format": "a4_4", "start": 5}, "has only 4 labels"),
        ({"filter": {"floor": 2}}, "floor"),
    ],
)
def test_labels_that_cannot_be_made_are_refused(
    client: FlaskClient, admin: Headers, imported: int, body: dict[str, Any], words: str
) -> None:
    answer = client.post("/api/project/1/elements/labels", json=body, headers=admin)
    assert (answer.status_code, words in answer.text) == (422, True)


def test_cancelled_labels_can_be_made_by_a_retry(client: FlaskClient, admin: Headers, imported: int) -> None:
    body = {"filter": {"search": "WALL/T1_F2/0001"}}
    job_id = client.post("/api/project/1/elements/labels", json=body, headers=admin).get_json()["job_id"]
    assert client.post(f"/api/jobs/{job_id}/cancel", headers=admin).status_code == 202
    assert client.post(f"/api/jobs/{job_id}/retry", headers=admin).status_code == 202
    run_job(job_id)
    assert get_job(job_id).result == "Made 1 label on 1 page"


def test_an_expired_output_is_deleted(app: Flask, client: FlaskClient, admin: Headers, imported: int) -> None:
    job_id, _ = make(client, admin, filter={"search": "WALL/T1_F2/0001"})
    age_job(job_id, app.config["PRECAST"].file_retention_days * 86_400 + 1)
    retention.delete_expired()
    answer = client.get(f"/api/jobs/{job_id}/output", headers=admin)
    assert (answer.status_code, "deleted after its time" in answer.get_json()["message"]) == (404, True)
