"""Access: every route is requested as every kind of user in docs/access.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from precast_app.auth import tokens, users
from precast_app.auth.permissions import Permission
from precast_app.auth.route_permissions import AccessRule, access_rule
from precast_app.models import Role
from precast_app.projects import projects
from tests.auth_headers import member_headers, user_headers
from tests.conftest import EXAMPLES, ROOT, run_import

# What the table of docs/access.md says of who asks, by column.
KINDS_OF_USER = (
    "stranger", "viewer", "editor", "manager", "administrator", "elsewhere", "reading token", "token elsewhere",
)  # fmt: skip
IN, LOGIN = "✓", "login"


def documented_rows() -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the rows of the table, by method and path: the expected response to each kind of user."""
    page = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in page.splitlines() if "| `/" in line]
    return {(method, rule): tuple(outcomes) for method, rule, *outcomes in rows}


def plain_path(rule: str) -> str:
    """Return the path of a rule without the converters of its parameters."""
    return re.sub(r"<(int\(max=2147483647\)|int|path|user_name):", "<", rule)


def registered_routes(app: Flask) -> list[tuple[str, str]]:
    """Return the method and path of every route; the routes of RQ's dashboard are summed up as one."""
    found = {("GET", "/rq/"), ("GET", "/static/<name>"), ("GET", "/api/openapi.json")}
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(("/rq", "/static", "/api/openapi.json")):
            found |= {(method, plain_path(rule.rule)) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    return sorted(found, key=lambda each: (each[1], each[0]))


def test_the_table_lists_every_route(app: Flask) -> None:
    assert sorted(documented_rows()) == sorted(registered_routes(app))


def expected_row(method: str, path: str, rule: AccessRule) -> tuple[str, ...] | None:
    """Return the row of the table that follows from a route's declaration; None for a public route."""
    if rule.permission is None:
        return None
    in_project = any(f"<{name}>" in path for name in ("project_id", "job_id", "element_id", "piece_id"))
    reads = method == "GET"

    needed = rule.permission

    def outcome(granted: Permission) -> str:
        return IN if granted >= needed else "403"

    anonymous = "401" if path.startswith(("/api", "/metrics")) else LOGIN
    roles = (Permission.READ, Permission.IMPORT, Permission.MANAGE) if in_project else (Permission.READ,) * 3
    manager = outcome(roles[2])
    read_only = manager if reads and not rule.unrestricted else "403"
    elsewhere = "404" if in_project else manager
    other_token = "403" if (rule.unrestricted or rule.all_projects) and not in_project else elsewhere
    return (anonymous, *map(outcome, roles), IN, elsewhere, read_only, other_token)


def test_the_table_agrees_with_the_declarations_of_the_routes(app: Flask) -> None:
    table = documented_rows()
    for rule in app.url_map.iter_rules():
        declared = access_rule(app.view_functions[rule.endpoint])
        if declared is None:
            assert rule.rule.startswith(("/rq", "/static", "/api/openapi.json")), rule.rule
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            path = plain_path(rule.rule)
            row = expected_row(method, path, declared)
            if row is None:
                assert not {"401", "403", "404"} & set(table[method, path]), (method, path)
            else:
                assert table[method, path] == row, (method, path)


def path_with_ids(rule: str, job_id: int) -> str:
    """Return the path with ids that exist, except that no token has the id 9999."""
    values = {"<job_id>": str(job_id), "<token_id>": "9999", "<user>": "viewer"}
    values |= {"<name>": "favicon.ico", "<path>": "stages"}
    path = re.sub(r"<\w+>", lambda found: values.get(found[0], "1"), rule)
    return f"{path}?job_type=element_type_import" if path.endswith("/jobs") else path


def access_of(answer: TestResponse) -> str:
    """Return the response in the words of the table."""
    # The sign-in page returns 401 too, for a wrong password.
    if answer.status_code == 403 or "WWW-Authenticate" in answer.headers:
        return str(answer.status_code)
    if answer.status_code == 302 and answer.headers["Location"].startswith("/login"):
        return LOGIN
    # A user with access can get 404 too, for a user or a token that does not exist.
    return "404" if answer.status_code == 404 and "have access to it" in answer.text else IN


@pytest.mark.parametrize("kind", KINDS_OF_USER)
def test_every_route_answers_each_kind_of_user_as_the_table_says(
    app: Flask, client: FlaskClient, green_meadows: int, kind: str
) -> None:
    job_id = run_import(green_meadows, EXAMPLES / "element_types.csv").id
    other = projects.create("Harbour").id
    roles = {"reading token": Role.MANAGER, "token elsewhere": Role.MANAGER, "elsewhere": Role.MANAGER}
    if kind == "stranger":
        headers = {}
    elif kind == "administrator":
        headers = user_headers("chief", is_admin=True)
    else:
        headers = user_headers(
            "someone", read_only=kind == "reading token", project_id=other if kind == "token elsewhere" else None
        )
        projects.set_role(other if kind == "elsewhere" else green_meadows, "someone", roles.get(kind) or Role(kind))
    users.create("viewer", "correct cement")
    table = documented_rows()
    found, expected = {}, {}
    for method, rule in registered_routes(app):
        answer = client.open(path_with_ids(rule, job_id), method=method, headers={"Accept": "text/html", **headers})
        found[method, rule] = access_of(answer)
        expected[method, rule] = table[method, rule][KINDS_OF_USER.index(kind)]
        answer.close()
    assert found == expected


def test_an_unknown_token_gets_401(client: FlaskClient, project_id: int) -> None:
    for header in ("Bearer wrong", "Bearer", "Basic YTpi", "Bearer \xe4"):
        assert client.get(f"/api/project/{project_id}", headers={"Authorization": header}).status_code == 401


def test_a_token_can_be_restricted_to_reading_and_to_one_project(client: FlaskClient, project_id: int) -> None:
    other = projects.create("Other").id
    reading = member_headers(project_id, Role.MANAGER, read_only=True)
    assert client.get(f"/api/project/{project_id}/stages", headers=reading).status_code == 200
    refused = client.post(f"/api/project/{project_id}/stages", headers=reading, json={"name": "Curing"})
    assert (refused.status_code, refused.get_json()["status"]) == (403, "Forbidden")
    admin = users.create("chief", "correct cement", is_admin=True)
    narrow = {"Authorization": f"Bearer {tokens.create(admin, days=1, project_id=other)}"}
    assert client.get(f"/api/project/{other}", headers=narrow).status_code == 200
    assert client.get(f"/api/project/{project_id}", headers=narrow).status_code == 404
    assert client.post("/api/project", headers=narrow, json={"name": "Third"}).status_code == 403
    assert client.get("/api/project", headers=narrow).get_json()["count"] == 1


def test_a_token_of_one_project_has_no_access_to_the_account(client: FlaskClient, project_id: int) -> None:
    narrow = user_headers("narrow", project_id=project_id)
    projects.set_role(project_id, "narrow", Role.EDITOR)
    reading = member_headers(project_id, Role.VIEWER, read_only=True)
    for address in ("/api/tokens", "/api/sessions", "/account"):
        refused = client.get(address, headers=narrow)
        assert (refused.status_code, "one project" in refused.get_json()["message"]) == (403, True)
        assert client.get(address, headers=reading).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        *(f"jobs/{{job}}/{name}" for name in ("file", "annotated", "rejected", "issues.csv", "issues.xlsx")),
        *(f"project/{{project}}/{name}" for name in ("export/excel", "export_csv_element_type", "template/excel")),
        *(f"project/{{project}}/{name}" for name in ("template/csv", "stages/csv")),
    ],
)
def test_browsers_and_proxies_do_not_store_downloads(
    client: FlaskClient, project_id: int, tmp_path: Path, address: str
) -> None:
    path = tmp_path / "types.csv"
    path.write_text(
        "Element Type,Element Type Name,Height,Length,Thickness,Mass,Volume,Area,Width,Element Type Version\n"
        "WALL,W-1,,,,,,,,\nWALL,W-2,tall,,,,,,,\n"
    )
    wanted = f"/api/{address.format(job=run_import(project_id, path).id, project=project_id)}"
    with client.get(wanted, headers=member_headers(project_id, Role.VIEWER)) as answer:
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, no-store")


def test_a_job_type_can_require_a_higher_role_than_its_route(client: FlaskClient, project_id: int) -> None:
    editor = member_headers(project_id, Role.EDITOR)
    path = f"/api/project/{project_id}/jobs?job_type="
    assert client.post(f"{path}element_type_import", headers=editor).status_code == 201
    assert client.post(f"{path}stage_import", headers=editor).status_code == 403
    viewer = member_headers(project_id, Role.VIEWER)
    assert client.post(f"{path}element_type_import", headers=viewer).status_code == 403
    assert client.put("/api/jobs/1/file", headers=viewer, data=b"x").status_code == 403


def log_in(client: FlaskClient, name: str, password: str) -> int:
    return client.post("/login", data={"name": name, "password": password}).status_code


def test_a_browser_signs_in_and_out(client: FlaskClient, admin: dict[str, str], project_id: int) -> None:
    assert client.get("/").headers["Location"] == "/login"
    assert log_in(client, "admin", "wrong") == 401
    assert log_in(client, "nobody", "correct cement") == 401
    assert log_in(client, "ad\0min", "correct cement") == 401
    assert log_in(client, "admin", "correct cement") == 302
    assert b"Green Meadows" in client.get("/").data
    assert client.get("/api/project").get_json()["count"] == 1
    assert client.post("/logout").status_code == 302
    assert client.get("/api/project").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "http://localhost"}, 201),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_page_of_another_site_cannot_use_the_cookie(
    client: FlaskClient, admin: dict[str, str], headers: dict[str, str], status: int
) -> None:
    log_in(client, "admin", "correct cement")
    assert client.post("/api/project", json={"name": "Harbour"}, headers=headers).status_code == status


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
        "/\nX", "/\r\nSet-Cookie: a=b", "/.//evil.example", "/%09/evil.example", "/%2F/evil.example",
        "/%5Cevil.example",
        "/no such page", "/nowhere", "//", "///", "", "evil.example", "javascript:alert(1)", "/@evil.example",
        "/∕evil.example", "/projects/1\x00", "/" + "a" * 70_000, "http:/evil.example", "/;@evil.example",
        "/logout", "/api/tokens/1", "/static", "/projects/x", "/login/../..//evil.example", "/account\\@evil.example",
        "/account\v", "/account\x7f", "/account\u2028", "/／evil.example", "/account%0d%0aX", "/account?a\r\nX: y",
        "\t//evil.example", " //evil.example", "//localhost/account", "http://localhost/account",
    ],
)  # fmt: skip
def test_signing_in_redirects_only_to_pages_of_the_application(
    client: FlaskClient, admin: dict[str, str], target: str
) -> None:
    answer = client.post("/login", query_string={"next": target}, data={"name": "admin", "password": "correct cement"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("target", ["/projects/1?page=2&sort=name", "/account", "/projects/1/element-types", "/rq/"])
def test_signing_in_returns_to_the_requested_page(client: FlaskClient, admin: dict[str, str], target: str) -> None:
    answer = client.post("/login", query_string={"next": target}, data={"name": "admin", "password": "correct cement"})
    assert answer.headers["Location"] == target


def test_only_administrators_see_the_queue_dashboard(
    client: FlaskClient, admin: dict[str, str], project_id: int
) -> None:
    assert client.get("/rq/").headers["Location"].startswith("/login")
    assert client.get("/rq/", headers=member_headers(project_id, Role.MANAGER)).status_code == 403
    assert client.get("/rq/", headers=admin).status_code == 200
    assert client.get("/rq/0/data/queues.json", headers=admin).status_code == 200
    assert client.get("/rq/0/data/workers.json", headers=admin).status_code == 200
    assert client.get("/rq/requeue/1", headers=admin).status_code == 422
    odd = client.get("/rq/0/view/jobs/%0d%0aX:1/queued/8/asc/1")
    assert (odd.status_code, odd.headers["Location"].splitlines()[1:]) == (302, [])
