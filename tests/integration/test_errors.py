"""Error responses: all have the same shape."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient


@pytest.mark.parametrize(
    ("method", "path", "options", "code", "status"),
    [
        ("GET", "/api/nowhere", {}, 404, "Not Found"),
        ("GET", "/nowhere", {}, 404, "Not Found"),
        ("GET", "/api/project/99", {}, 404, "Not Found"),
        ("GET", "/api/jobs/99", {}, 404, "Not Found"),
        ("GET", "/api/jobs/99999999999", {}, 404, "Not Found"),
        ("DELETE", "/api/project/1", {}, 405, "Method Not Allowed"),
        ("POST", "/api/project", {"data": "{", "content_type": "application/json"}, 400, "Bad Request"),
        ("POST", "/api/project", {"json": {}}, 422, "Unprocessable Entity"),
        ("POST", "/api/project", {"json": []}, 422, "Unprocessable Entity"),
        ("POST", "/api/project", {"json": {"name": 7}}, 422, "Unprocessable Entity"),
        ("POST", "/api/project", {"json": {"name": " "}}, 422, "Unprocessable Entity"),
        ("POST", "/api/project", {"json": {"name": "a\0b"}}, 422, "Unprocessable Entity"),
        ("POST", "/api/project", {"json": {"name": "\ud800"}}, 422, "Unprocessable Entity"),
        ("POST", "/api/project", {"json": {"name": "A", "colour": "red"}}, 422, "Unprocessable Entity"),
        ("POST", "/api/project", {"json": {"name": "Green Meadows"}}, 409, "Conflict"),
        ("GET", "/api/project?limit=1001", {}, 422, "Unprocessable Entity"),
        ("GET", "/api/project?limit=x", {}, 422, "Unprocessable Entity"),
        ("GET", "/api/project?offset=-1", {}, 422, "Unprocessable Entity"),
        ("GET", "/api/project?sort=name", {}, 422, "Unprocessable Entity"),
        ("GET", "/api/project/1/element-types?search=%00", {}, 422, "Unprocessable Entity"),
        ("GET", "/api/project/1/jobs?status=cancelled", {}, 422, "Unprocessable Entity"),
        ("POST", "/api/project/1/jobs", {}, 422, "Unprocessable Entity"),
        ("POST", "/api/project/1/jobs?job_type=magic", {}, 422, "Unprocessable Entity"),
        ("PUT", "/api/project/1/members/nobody", {"json": {"role": "viewer"}}, 404, "Not Found"),
        ("PUT", "/api/project/1/members/admin", {"json": {"role": "king"}}, 422, "Unprocessable Entity"),
    ],
)
def test_every_error_has_the_same_shape(
    client: FlaskClient,
    admin: dict[str, str],
    project_id: int,
    method: str,
    path: str,
    options: dict[str, Any],
    code: int,
    status: str,
) -> None:
    answer = client.open(path, method=method, headers=admin, **options)
    body = answer.get_json()
    assert (answer.status_code, body["code"], body["status"]) == (code, code, status)
    assert set(body) == {"code", "status", "message", "errors"}
    assert isinstance(body["errors"], dict)
    assert len(body["message"]) > 20
    if code == 405:
        assert "GET" in answer.headers["Allow"]


def test_the_error_about_an_unknown_job_type_lists_the_known_ones(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    body = client.post("/api/project/1/jobs?job_type=magic", headers=admin).get_json()
    assert "element_type_import" in body["message"]
    assert "bom_product_import" in body["message"]


def test_a_bug_is_logged_under_the_returned_request_id(
    app: Flask, client: FlaskClient, admin: dict[str, str], project_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The bug is a setting of the wrong type."""
    app.config["MAX_CONTENT_LENGTH"], kept = "much", app.config["MAX_CONTENT_LENGTH"]
    try:
        file = {"file": (io.BytesIO(b"a"), "a.csv")}
        answer = client.post(f"/api/project/{project_id}/import/excel", data=file, headers=admin)
    finally:
        app.config["MAX_CONTENT_LENGTH"] = kept
    body = answer.get_json()
    assert (answer.status_code, body["status"]) == (500, "Internal Server Error")
    assert body["errors"]["request_id"] in body["message"]
    assert body["errors"]["request_id"] in caplog.text
    assert "Traceback" not in answer.text
    assert "/precast_app/" not in answer.text


def test_a_body_over_the_limit_is_rejected_unread(
    app: Flask, client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    length = str(app.config["PRECAST"].max_upload_bytes + 100_000)
    answer = client.post(
        f"/api/project/{project_id}/import/excel",
        headers={**admin, "Content-Type": "multipart/form-data; boundary=x"},
        environ_overrides={"CONTENT_LENGTH": length},
    )
    assert (answer.status_code, answer.get_json()["code"]) == (413, 413)
    assert "Split" in answer.get_json()["message"]


def test_errors_follow_rfc_9457_for_clients_that_ask_for_it(client: FlaskClient, admin: dict[str, str]) -> None:
    accepted = "application/json;q=0.5, application/problem+json"
    response = client.get("/api/jobs/9", headers={**admin, "Accept": accepted})
    assert (response.status_code, response.content_type) == (404, "application/problem+json")
    assert response.get_json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no job 9, or you don't have access to it.",
        "errors": {},
    }
    assert client.get("/api/jobs/9", headers={**admin, "Accept": "*/*"}).content_type == "application/json"
    refused = client.get("/api/jobs/9", headers={**admin, "Accept": "application/problem+json;q=0, */*"})
    assert (refused.content_type, "Accept" in refused.vary) == ("application/json", True)


@pytest.mark.parametrize(
    ("sent", "is_kept"), [("abc-1.2_Z", True), ("a" * 64, True), ("a" * 65, False), ("a b", False)]
)
def test_a_request_id_that_a_proxy_sends_is_kept(client: FlaskClient, sent: str, is_kept: bool) -> None:
    returned = client.get("/healthz", headers={"X-Request-Id": sent}).headers["X-Request-Id"]
    assert (returned == sent) == is_kept
    assert returned != client.get("/healthz").headers["X-Request-Id"]
