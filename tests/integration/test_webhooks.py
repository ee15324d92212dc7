"""Webhooks are created, changed and deleted by managers; their secrets are shown once, and messages are sent again."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from precast_app.extensions import db
from precast_app.models import AuditEntry, Role
from precast_app.notifications.sender import Sender
from precast_app.projects import projects
from tests.app_settings import changed_settings
from tests.auth_headers import member_headers, user_headers
from tests.job_states import claim_or_fail, complete, submit_stages
from tests.pages import page, signed_in
from tests.webhook_receiver import receiver

URL = "/api/project/1/webhooks"
BODY = {"url": "https://erp.example/hooks?key=geheim", "events": ["job.failed", "job.completed"]}


@pytest.fixture
def manager(project_id: int) -> dict[str, str]:
    return member_headers(project_id, Role.MANAGER)


def created(client: FlaskClient, headers: dict[str, str], **changes: Any) -> tuple[int, str]:
    answer = client.post(URL, json={**BODY, **changes}, headers=headers)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()["webhook"]["id"], answer.get_json()["secret"]


def send_once(app: Flask) -> None:
    sender = Sender(app)
    sender.send_due()
    sender.record_outcomes(10)
    sender.close()


def test_a_webhook_shows_its_secret_once(client: FlaskClient, manager: dict[str, str]) -> None:
    number, secret = created(client, manager)
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    answer = client.get(URL, headers=manager)
    (listed,) = answer.get_json()["webhooks"]
    assert (listed["id"], listed["url"], listed["created_by"]) == (number, BODY["url"], "manager")
    assert listed["events"] == ["job.completed", "job.failed"]
    assert (listed["disabled_at"], listed["previous_secret_until"]) == (None, None)
    assert "secret" not in listed
    assert secret not in answer.text


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://erp.example/"}, {"url": "https://127.0.0.1/"}, {"url": "https://u:p@erp.example/"}, {"url": ""},
        {"url": "https://[::ffff:10.0.0.1]/"}, {"events": []}, {"events": ["job.deleted"]}, {"secret": "whsec_mine"},
    ],
)  # fmt: skip
def test_a_webhook_that_can_not_work_is_refused(
    client: FlaskClient, manager: dict[str, str], changes: dict[str, Any]
) -> None:
    answer = client.post(URL, json={**BODY, **changes}, headers=manager)
    assert answer.status_code == 422
    assert next(iter(changes)) in answer.get_json()["errors"]["json"]


def test_a_project_has_a_limited_number_of_webhooks(app: Flask, client: FlaskClient, manager: dict[str, str]) -> None:
    with changed_settings(app, max_webhooks=2):
        for _ in range(2):
            created(client, manager)
        refused = client.post(URL, json=BODY, headers=manager)
    assert refused.status_code == 409
    assert "MAX_WEBHOOKS" in refused.get_json()["message"]


def test_only_managers_see_and_change_webhooks(client: FlaskClient, project_id: int, manager: dict[str, str]) -> None:
    number, _ = created(client, manager)
    editor = member_headers(project_id, Role.EDITOR)
    for method, path in (
        ("GET", URL),
        ("POST", URL),
        ("DELETE", f"{URL}/{number}"),
        ("POST", f"{URL}/{number}/secret"),
    ):
        assert client.open(path, method=method, json=BODY, headers=editor).status_code == 403
    assert client.get(URL, headers=manager).get_json()["count"] == 1


def test_a_webhook_of_another_project_is_not_found(client: FlaskClient, manager: dict[str, str]) -> None:
    number, _ = created(client, manager)
    other = projects.create("Harbour").id
    stranger = user_headers("mallory")
    projects.set_role(other, "mallory", Role.MANAGER)
    below = f"/api/project/{other}/webhooks/{number}"
    for method, path in (
        ("PATCH", below), ("DELETE", below), ("POST", f"{below}/secret"), ("GET", f"{below}/deliveries"),
        ("POST", f"{below}/deliveries/1/retry"),
    ):  # fmt: skip
        body = {"disabled": True} if method == "PATCH" else None
        assert client.open(path, method=method, json=body, headers=stranger).status_code == 404


def test_a_rotated_secret_is_valid_beside_the_old_one_for_a_day(
    app: Flask, client: FlaskClient, project_id: int, manager: dict[str, str]
) -> None:
    with receiver() as found, changed_settings(app, webhook_allowed_networks="127.0.0.0/8"):
        number, old = created(client, manager, url=found.url)
        rotated = client.post(f"{URL}/{number}/secret", headers=manager).get_json()
        assert rotated["secret"] != old
        assert rotated["webhook"]["previous_secret_until"] is not None
        complete(claim_or_fail(submit_stages(project_id)))
        send_once(app)
        db.session.execute(text("UPDATE webhooks SET previous_secret_until = now()"))
        db.session.commit()
        complete(claim_or_fail(submit_stages(project_id)))
        send_once(app)
        during, after = found.requests
    assert during.verify(old) and during.verify(rotated["secret"])
    assert after.verify(rotated["secret"])
    assert len(after.headers["webhook-signature"].split(" ")) == 1


def test_a_disabled_webhook_gets_no_messages_until_it_is_enabled(
    client: FlaskClient, project_id: int, manager: dict[str, str]
) -> None:
    number, _ = created(client, manager)
    deliveries = f"{URL}/{number}/deliveries"
    complete(claim_or_fail(submit_stages(project_id)))
    disabled = client.patch(f"{URL}/{number}", json={"disabled": True}, headers=manager).get_json()["webhook"]
    assert disabled["disabled_reason"] == "The webhook was disabled."
    complete(claim_or_fail(submit_stages(project_id)))
    (waited,) = client.get(deliveries, headers=manager).get_json()["deliveries"]
    assert waited["status"] == "failed"
    refused = client.post(f"{deliveries}/{waited['id']}/retry", headers=manager)
    assert (refused.status_code, "Enable it" in refused.get_json()["message"]) == (409, True)
    changed = client.patch(f"{URL}/{number}", json={"disabled": False, "events": ["job.failed"]}, headers=manager)
    assert changed.get_json()["webhook"]["disabled_at"] is None
    assert client.post(f"{deliveries}/{waited['id']}/retry", headers=manager).status_code == 202
    complete(claim_or_fail(submit_stages(project_id)))
    assert client.get(deliveries, headers=manager).get_json()["count"] == 1


def test_deliveries_show_what_became_of_each_message_and_are_sent_again(
    app: Flask, client: FlaskClient, project_id: int, manager: dict[str, str]
) -> None:
    with receiver() as found, changed_settings(app, webhook_allowed_networks="127.0.0.0/8"):
        number, _ = created(client, manager, url=found.url)
        job_id = submit_stages(project_id)
        complete(claim_or_fail(job_id))
        found.statuses = [503]
        send_once(app)
        deliveries = f"{URL}/{number}/deliveries"
        (failed,) = client.get(deliveries, headers=manager).get_json()["deliveries"]
        assert (failed["status"], failed["attempts"], failed["last_status"]) == ("pending", 1, 503)
        assert failed["last_error"] == "The receiver answered 503 Service Unavailable."
        (in_german,) = client.get(f"{deliveries}?language=de", headers=manager).get_json()["deliveries"]
        assert in_german["last_error"] == "Der Empfänger hat mit 503 Service Unavailable geantwortet."
        assert (failed["event"], failed["job_id"], failed["delivered_at"]) == ("job.completed", job_id, None)
        retry = f"{deliveries}/{failed['id']}/retry"
        for _ in range(2):
            assert client.post(retry, headers=manager).status_code == 202
            assert client.get(deliveries, headers=manager).get_json()["deliveries"][0]["status"] == "pending"
            send_once(app)
        (delivered,) = client.get(deliveries, headers=manager).get_json()["deliveries"]
    assert (delivered["status"], delivered["last_status"], delivered["last_error"]) == ("delivered", 204, None)
    assert {request.message_id for request in found.requests} == {delivered["message_id"]}
    assert len(found.requests) == 3
    assert client.post(f"{deliveries}/{2**63}/retry", headers=manager).status_code == 404


def test_deleting_a_webhook_deletes_its_messages(client: FlaskClient, project_id: int, manager: dict[str, str]) -> None:
    number, _ = created(client, manager)
    complete(claim_or_fail(submit_stages(project_id)))
    assert client.delete(f"{URL}/{number}", headers=manager).status_code == 204
    assert client.get(f"{URL}/{number}/deliveries", headers=manager).status_code == 404
    assert db.session.scalar(text("SELECT count(*) FROM outbox_messages")) == 0


def test_the_audit_names_the_host_and_keeps_secrets_out(client: FlaskClient, manager: dict[str, str]) -> None:
    number, secret = created(client, manager)
    client.patch(f"{URL}/{number}", json={"events": ["job.failed"]}, headers=manager)
    client.post(f"{URL}/{number}/secret", headers=manager)
    client.delete(f"{URL}/{number}", headers=manager)
    db.session.rollback()
    entries = list(
        db.session.scalars(select(AuditEntry).where(AuditEntry.act.like("webhook.%")).order_by(AuditEntry.id))
    )
    assert [entry.act for entry in entries] == ["webhook.create", "webhook.change", "webhook.rotate", "webhook.delete"]
    assert {(entry.who, entry.about) for entry in entries} == {("manager", "erp.example")}
    audited = str([entry.details for entry in entries])
    assert "geheim" not in audited
    assert secret not in audited


def test_the_pages_show_webhooks_and_messages(app: Flask, project_id: int) -> None:
    browser = signed_in(app, project_id, "mia", Role.MANAGER)
    empty = page(browser, f"/projects/{project_id}/webhooks")
    assert "No webhooks yet." in empty
    number = browser.post(URL, json=BODY).get_json()["webhook"]["id"]
    complete(claim_or_fail(submit_stages(project_id)))
    listed = page(browser, f"/projects/{project_id}/webhooks")
    assert "https://erp.example/hooks?key=geheim" in listed
    assert "pending" in listed
    shown = page(browser, f"/projects/{project_id}/webhooks/{number}")
    assert "Job completed" in shown
    assert "whsec_" not in listed + shown
    page(browser, f"/projects/{project_id}/webhooks/{number + 1}", 404)


# Nothing listens on port 1.
@pytest.mark.parametrize(
    ("url", "english", "german"),
    [
        (
            "http://127.0.0.1:1/",
            "The receiver could not be reached: it refuses connections.",
            "Der Empfänger war nicht erreichbar: er nimmt keine Verbindungen an.",
        ),
        (
            "https://receiver.invalid/",
            "The receiver could not be reached: its host name is not known.",
            "Der Empfänger war nicht erreichbar: sein Hostname",
        ),
        (
            "https://localhost/",
            "The URL leads to a private address.",
            "Die URL führt zu einer privaten",
        ),
    ],
)
def test_the_page_says_in_its_language_why_a_message_was_not_delivered(
    app: Flask, project_id: int, url: str, english: str, german: str
) -> None:
    browser = signed_in(app, project_id, "mia", Role.MANAGER)
    with changed_settings(app, webhook_allowed_networks="127.0.0.0/8"):
        number = browser.post(URL, json={**BODY, "url": url}).get_json()["webhook"]["id"]
    allowed = "127.0.0.0/8" if url.startswith("http:") else "10.0.0.0/8"
    with changed_settings(app, webhook_allowed_networks=allowed):
        complete(claim_or_fail(submit_stages(project_id)))
        send_once(app)
    path = f"/projects/{project_id}/webhooks/{number}"
    assert english in page(browser, path)
    browser.post("/language", data={"language": "de"})
    assert german in page(browser, path)
    browser.patch(f"{URL}/{number}", json={"disabled": True})
    assert "Der Webhook wurde deaktiviert." in page(browser, path)
