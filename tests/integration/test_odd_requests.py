"""Requests that no honest client sends: forged cookies, pages of other sites, bombs and oversized values."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient

from precast_app import create_app
from precast_app.auth import tokens, users
from precast_app.extensions import db
from precast_app.models import FileChunk, ImportJob, User
from precast_app.projects import projects
from tests.conftest import EXAMPLES
from tests.unit.xlsx_files import SHEET_PART, parts, sheet_xml, zip_bomb, zipped

COOKIE = "precast_session"
EXCEL = "/api/project/1/import/excel"


def sign_in_as_admin(client: FlaskClient) -> str:
    """Sign an administrator in and return the cookie."""
    assert client.post("/login", data={"name": "admin", "password": "correct cement"}).status_code == 302
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    return cookie.value


def status_with_cookie(app: Flask, cookie: str) -> int:
    """Return the status of a request with this cookie."""
    client = app.test_client()
    client.set_cookie(COOKIE, cookie)
    return client.get("/api/project").status_code


def test_a_forged_or_altered_cookie_gets_401(app: Flask, client: FlaskClient, admin: dict[str, str]) -> None:
    cookie = sign_in_as_admin(client)
    assert status_with_cookie(app, cookie) == 200
    other = Flask("forger")
    other.secret_key = "guessed"
    signer = SecureCookieSessionInterface().get_signing_serializer(other)
    assert signer is not None
    user = db.session.query(User).one()
    forged = [signer.dumps({"user_id": user.id, "_permanent": True}), "", "null", "." * 50, cookie + "x", "x" * 3000]
    # Except for the last character of the base64 text, which has unused bits.
    for place in range(0, len(cookie) - 1, 5):
        forged.append(cookie[:place] + ("A" if cookie[place] != "A" else "B") + cookie[place + 1 :])
    if cookie.count(".") == 2:
        payload, moment, signature = cookie.split(".")
        forged += [f"{payload}.{moment}.", f"{payload}..{signature}", f"{payload}.{moment}", f".{moment}.{signature}"]
    for each in forged:
        assert (each, status_with_cookie(app, each)) == (each, 401)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "file://"},
        {"Origin": "http://localhost:8000"},
        {"Origin": "http://sub.localhost"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://evil.example/localhost"},
        {"Origin": "http://localhost@evil.example"},
        {"Origin": "http://[::1"},
        {"Origin": "http://localhost]"},
        {"Origin": "\xff"},
        {"Origin": "http://evil.example", "Host": "localhost", "X-Forwarded-Host": "evil.example"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": ""},
        {"Sec-Fetch-Site": "same-origin, cross-site"},
    ],
)
def test_a_page_of_another_site_cannot_act_for_a_user(
    client: FlaskClient, admin: dict[str, str], project_id: int, headers: dict[str, str]
) -> None:
    sign_in_as_admin(client)
    body = json.dumps({"name": "Evil"})
    for kind in ("application/json", "text/plain"):
        for path in ("/api/project", f"{EXCEL}", "/api/jobs/1/cancel"):
            sent = client.post(path, data=body, content_type=kind, headers=headers)
            # A job that does not exist gets 404, and nothing is done.
            assert sent.status_code in (403, 404)
    assert (
        client.post("/login", data={"name": "admin", "password": "correct cement"}, headers=headers).status_code == 403
    )
    assert client.get("/api/project").get_json()["count"] == 1


def test_a_page_of_another_site_cannot_read(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    sign_in_as_admin(client)
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "DELETE"}
    for method in ("GET", "OPTIONS", "HEAD"):
        answer = client.open("/api/project/1", method=method, headers=asked)
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
    stranger = client.application.test_client()
    assert stranger.head("/api/project/1").status_code == 401
    assert stranger.options("/api/project/1").data == b""


ENTITIES = (
    '<!DOCTYPE lolz [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 20}">' for n in range(12))
    + ']><worksheet><sheetData><row><c t="inlineStr"><is><t>&m;</t></is></c></row></sheetData></worksheet>'
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + sheet_xml("<row/>").replace("<row/>", "&e;")


def bombs() -> dict[str, bytes]:
    nested = zipped(parts(sheet_xml("<row/>"))).getvalue()
    for _ in range(5):
        nested = zipped({"xl/workbook.xml": nested, SHEET_PART: nested}).getvalue()
    return {
        "zip bomb": zip_bomb(2).getvalue(),
        "entities": zipped(parts(ENTITIES)).getvalue(),
        "a file of the server": zipped(parts(OUTSIDE)).getvalue(),
        "zips in zips": nested,
        "deep XML": zipped(parts("<worksheet>" + "<a>" * 200_000)).getvalue(),
        "a quote that never ends": b"Element Type,Element Name\n" + b'"' * 2_000_001,
        "quotes in quotes": b"Element Type,Element Name\n" + b'"a""' * 500_000,
        "a heading of megabytes": b"A" * 3_000_000 + b",Element Name\n1,2\n",
        "a heading for each sign": b",".join(b"%d" % n for n in range(200_000)) + b"\n1\n",
    }


def test_a_decompression_bomb_is_rejected(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    waiting = client.post("/api/project/1/jobs?job_type=element_type_import", headers=admin).get_json()["job_id"]
    for name, content in bombs().items():
        answer = client.put(f"/api/jobs/{waiting}/file", data=content, headers=admin)
        assert (name, answer.status_code in (413, 415, 422)) == (name, True)
        assert "root:" not in answer.text
        assert len(answer.data) < 10_000
    assert db.session.get_one(ImportJob, waiting).phase == "waiting_for_file"
    assert db.session.query(FileChunk).count() == 0


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "..\\..\\windows\\system32\\x.csv",
        'a"; filename="evil.exe',
        "a\r\nX-Evil: 1\r\n\r\n<script>.csv",
        "a\u202egpj.exe.csv",
        "a\u2028b\x7f\x1b[31m.csv",
        "/",
        "..",
        "con.csv",
        "<img src=x onerror=alert(1)>.csv",
        "'; DROP TABLE import_jobs; --.csv",
        "%2e%2e%2fpasswd",
        "x" * 5000,
    ],
)
def test_a_file_name_cannot_inject_headers_or_paths(
    client: FlaskClient, admin: dict[str, str], project_id: int, name: str
) -> None:
    created = client.post("/api/project/1/jobs?job_type=stage_import", headers=admin).get_json()["job_id"]
    query = {"file_name": name[:255]}
    fed = client.put(f"/api/jobs/{created}/file", query_string=query, data=b"name\nCuring\n", headers=admin)
    assert fed.status_code == 202
    kept = client.get(f"/api/jobs/{created}", headers=admin).get_json()["job"]["file_name"]
    assert kept.isprintable()
    assert not re.search(r"[/\\]", kept)
    for path in ("file", "annotated"):
        with client.get(f"/api/jobs/{created}/{path}", headers=admin) as answer:
            assert answer.status_code == 200
            assert "X-Evil" not in answer.headers
            disposition = answer.headers["Content-Disposition"]
            assert disposition.startswith("attachment; ")
            assert not re.search(r"[\x00-\x1f\x7f]", disposition)
            # One quoted name, and at most an encoded one after it.
            assert re.fullmatch(
                r"attachment; filename=(\"([^\"\\]|\\.)*\"|[^\s\";]+)(; filename\*=UTF-8''[^\s\";]+)?", disposition
            )


def test_a_project_name_cannot_inject_headers_or_paths(client: FlaskClient, admin: dict[str, str]) -> None:
    number = projects.create('../a"\r\nX-Evil: 1;<b>').id
    for path in ("template/csv", "template/excel", "export/excel", "export_csv_element_type"):
        with client.get(f"/api/project/{number}/{path}", headers=admin) as answer:
            assert "X-Evil" not in answer.headers
            assert re.search(r'filename="?a_X_Evil_1_b_\w+\.(csv|xlsx)"?$', answer.headers["Content-Disposition"])


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"name":' * 50_000,
        '{"name":' + "[" * 900 + "]" * 900 + "}",
        '{"name": ' + "9" * 5_000 + "}",
        '{"name": "a", "x": 1e999}',
        '{"name": NaN}',
        '{"name": "' + "a" * 1_000_000 + '"}',
        '{"name": "a", "name": null}',
        '{"name": "\\ud800"}',
        '{"\\u0000": 1}',
        '"name"',
        "null",
        "\xff\xfe",
    ],
    ids=str.__len__,
)
def test_malformed_json_is_rejected(client: FlaskClient, admin: dict[str, str], body: str) -> None:
    sent = body.encode("latin-1")
    answer = client.post("/api/project", data=sent, content_type="application/json", headers=admin)
    assert answer.status_code in (400, 422)
    assert set(answer.get_json()) == {"code", "status", "message", "errors"}
    assert len(answer.data) < 2_000


@pytest.mark.parametrize("value", [0, 1, 0.0, "yes", "true", [], None])
def test_only_true_and_false_are_booleans(client: FlaskClient, admin: dict[str, str], value: Any) -> None:
    users.create("vera", "correct cement")
    for field in ("is_admin", "disabled"):
        assert client.patch("/api/users/vera", json={field: value}, headers=admin).status_code == 422
    assert client.post("/api/tokens", json={"read_only": value}, headers=admin).status_code == 422


def test_json_over_the_limit_is_not_parsed(client: FlaskClient, admin: dict[str, str]) -> None:
    body = b'{"name": [' + b"{}," * 400_000 + b"{}]}"
    refused = client.post("/api/project", data=body, content_type="application/json", headers=admin)
    assert (refused.status_code, "at most 1024 KB" in refused.get_json()["message"]) == (413, True)
    untold = client.post(
        "/api/project",
        input_stream=io.BytesIO(body),
        content_type="application/json",
        headers={**admin, "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    # It is read up to the limit, where it is cut off.
    assert untold.status_code in (400, 413)


def test_values_that_are_too_long_are_rejected(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    long = "x" * 20_000
    for path, options, expected in (
        (f"/api/project/1/element-types?search={long}", {}, 422),
        (f"/api/project/1/jobs?job_type={long}", {}, 200),
        (f"/api/project/1/elements?node={'9' * 5_000}", {}, 422),
        (f"/api/project?limit={'9' * 5_000}", {}, 422),
        (f"/api/project/{'9' * 5_000}", {}, 404),
        (f"/api/{long}", {}, 404),
        ("/api/project", {"headers": {"Authorization": f"Bearer {long}"}}, 401),
        ("/api/project", {"headers": {"Authorization": "Basic " + "Og" * 500}}, 401),
        ("/api/project", {"headers": {"Authorization": "Bearer"}}, 401),
    ):
        answer = client.get(path, **{"headers": admin, **options})
        assert (path[:60], answer.status_code) == (path[:60], expected)
        assert len(answer.data) < 2_000
    assert client.put(f"/api/project/1/members/{long}", json={"role": "viewer"}, headers=admin).status_code == 404
    keyed = client.post(EXCEL, headers={**admin, "Idempotency-Key": long})
    assert keyed.status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "options", "named"),
    [
        ("GET", "/api/project?limit=1&limit=2", {}, "limit"),
        ("GET", "/api/project/1/element-types?type=a&type=b", {}, "type"),
        ("POST", "/api/project/1/jobs?job_type=stage_import&job_type=hierarchy_import", {}, "job_type"),
        ("POST", f"{EXCEL}?dry_run=true&dry_run=false", {}, "dry_run"),
        ("POST", "/api/jobs/1/apply?dry_run=true", {}, "dry_run"),
        ("DELETE", "/api/project/1/stages/1?force=true", {}, "force"),
        ("POST", "/api/project/1/stages", {"json": {"name": "A", "position": 1.5}}, "position"),
        ("POST", "/api/project/1/stages", {"json": {"name": "A", "position": "1"}}, "position"),
        ("POST", "/api/project/1/hierarchy", {"json": {"name": "A", "parent_id": True}}, "parent_id"),
    ],
)
def test_ambiguous_values_are_rejected(
    client: FlaskClient, admin: dict[str, str], project_id: int, method: str, path: str, options: Any, named: str
) -> None:
    answer = client.open(path, method=method, headers=admin, **options)
    assert answer.status_code == 422
    assert named in answer.get_json()["message"]


def test_an_option_given_twice_in_a_form_is_rejected(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    data = {"file": (io.BytesIO(b"x"), "a.csv"), "dry_run": ["true", "false"]}
    answer = client.post(EXCEL, data=data, headers=admin)
    assert (answer.status_code, "dry_run: given more than once" in answer.get_json()["message"]) == (422, True)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_body_of_another_type_than_json_is_rejected(
    client: FlaskClient, admin: dict[str, str], project_id: int, kind: str
) -> None:
    """Otherwise a change with an unread body would get a response as if it were done."""
    made = client.post("/api/project/1/stages", json={"name": "Curing"}, headers=admin).get_json()["stage"]["id"]
    for method, path in (("PATCH", f"/api/project/1/stages/{made}"), ("POST", "/api/project/1/stages")):
        answer = client.open(path, method=method, data='{"name": "X"}', content_type=kind, headers=admin)
        assert (answer.status_code, "Content-Type" in answer.get_json()["message"]) == (415, True)


@pytest.mark.parametrize(
    "body", ["", "--x", "--x\r\n\r\n", "--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n"]
)
def test_a_malformed_form_is_rejected(client: FlaskClient, admin: dict[str, str], project_id: int, body: str) -> None:
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data", "multipart/form-data; boundary="):
        for method, path in (("POST", EXCEL), ("PUT", "/api/jobs/1/file")):
            answer = client.open(path, method=method, data=body, content_type=kind, headers=admin)
            assert answer.status_code in (400, 404, 422)


def test_a_forged_host_header_appears_in_no_response(
    client: FlaskClient, admin: dict[str, str], green_meadows: int
) -> None:
    headers = {**admin, "Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    with (EXAMPLES / "element_types.csv").open("rb") as file:
        answer = client.post(EXCEL, data={"file": file}, headers=headers)
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/jobs/{answer.get_json()['job_id']}"
    assert "evil" not in client.get("/api/openapi.json", headers=headers).text
    assert "evil" not in client.get("/api/docs", headers=headers).text


def test_a_request_without_a_database_gets_503_with_retry_after(app: Flask, admin: dict[str, str]) -> None:
    settings = app.config["PRECAST"]
    away = create_app(type(settings)(
        database_url="postgresql://nobody@127.0.0.1:1/none", redis_url=settings.redis_url, secret_key="x" * 40
    ))  # fmt: skip
    answer = away.test_client().get("/api/project", headers=admin)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "127.0.0.1" not in answer.text
    assert tokens.authenticate("x") is None
