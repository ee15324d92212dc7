"""Users get e-mails about their own jobs if they choose to, and stop them with one click."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from precast_app.config import Settings
from precast_app.config.smtp import SmtpServer, parse_smtp_url
from precast_app.errors import ConfigurationError
from precast_app.extensions import db
from precast_app.models import AuditEntry, OutboxMessage, Role, User
from precast_app.notifications import unsubscribe_links
from precast_app.notifications.sender import Sender
from precast_app.notifications.unsubscribe_links import UnsubscribeLink
from precast_app.projects import projects
from tests.app_settings import changed_settings
from tests.auth_headers import member_headers, user_headers
from tests.certificates import needs_openssl, write_certificate
from tests.conftest import EXAMPLES
from tests.job_states import cancel, claim_or_fail, complete
from tests.mail_server import MailServer, mail_server
from tests.pages import page, signed_in

URL = "/api/me/email"
ADDRESS = "eve@example.com"
ALL_EVENTS = ["job.completed", "job.failed", "job.waiting"]
# About servers that let users sign in without encryption, and about a name that it uses itself.
AIOSMTPD_WARNS = pytest.mark.filterwarnings("ignore:Requiring AUTH", "ignore:Session.login_data")


@contextmanager
def sending_to(app: Flask, smtp_url: str) -> Iterator[None]:
    with changed_settings(
        app, smtp_url=smtp_url, email_from="Precast <precast@example.com>", public_url="https://precast.example",
        delivery_retry_seconds=0.001,
    ):  # fmt: skip
        yield


@pytest.fixture
def server(app: Flask) -> Iterator[MailServer]:
    with mail_server() as found, sending_to(app, found.url):
        yield found


@pytest.fixture
def manager_headers(project_id: int) -> dict[str, str]:
    return member_headers(project_id, Role.MANAGER)


def choose_events(client: FlaskClient, headers: dict[str, str], *events: str, address: str | None = ADDRESS) -> None:
    answer = client.put(URL, json={"address": address, "events": events}, headers=headers)
    assert answer.status_code == 200, answer.get_json()


def start_job(client: FlaskClient, headers: dict[str, str], name: str = "stages.csv", options: str = "") -> int:
    with (EXAMPLES / "stages.csv").open("rb") as file:
        answer = client.post(
            f"/api/project/1/jobs?job_type=stage_import{options}", data={"file": (file, name)}, headers=headers
        )
    assert answer.status_code == 201, answer.get_json()
    found: int = answer.get_json()["job_id"]
    return found


def send_all(app: Flask) -> None:
    db.session.rollback()
    sender = Sender(app)
    while sender.send_due() or sender._in_flight:
        sender.record_outcomes(5)
    sender.close()


def send_due(app: Flask) -> None:
    """Try once to send what is due."""
    db.session.rollback()
    sender = Sender(app)
    if sender.send_due():
        sender.record_outcomes(10)
    sender.close()


def stored_messages() -> list[OutboxMessage]:
    db.session.rollback()
    return list(db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


def test_nobody_gets_an_email_without_choosing_it(
    app: Flask, client: FlaskClient, server: MailServer, manager_headers: dict[str, str]
) -> None:
    assert client.get(URL, headers=manager_headers).get_json() == {"address": None, "events": [], "available": True}
    complete(claim_or_fail(start_job(client, manager_headers)))
    send_all(app)
    assert not server.emails


def test_an_email_says_how_the_job_ended_and_how_to_stop(
    app: Flask, client: FlaskClient, server: MailServer, manager_headers: dict[str, str]
) -> None:
    choose_events(client, manager_headers, *ALL_EVENTS)
    job_id = start_job(client, manager_headers)
    complete(claim_or_fail(job_id))
    send_all(app)
    (email,) = server.emails
    assert server.envelopes == [("precast@example.com", [ADDRESS])]
    assert email["Subject"] == f"Green Meadows: job {job_id} has ended"
    assert (email["From"], email["To"]) == ("Precast <precast@example.com>", ADDRESS)
    assert (email["Auto-Submitted"], email["List-Unsubscribe-Post"]) == ("auto-generated", "List-Unsubscribe=One-Click")
    body = email.get_content()
    assert "File: stages.csv" in body
    assert f"https://precast.example/jobs/{job_id}" in body
    link = email["List-Unsubscribe"].strip("<>")
    assert link.startswith("https://precast.example/email/stop/")
    assert link in body
    (message,) = stored_messages()
    assert email["Message-ID"] == f"<{message.message_id}@precast.example>"
    assert (message.last_status, message.attempts) == (250, 1)


def test_a_user_without_a_language_gets_emails_in_that_of_the_page(
    client: FlaskClient, server: MailServer, manager_headers: dict[str, str]
) -> None:
    choose_events(client, manager_headers)
    choose_events(client, {**manager_headers, "Precast-Language": "en"}, *ALL_EVENTS)
    assert db.session.scalar(text("SELECT count(*) FROM users WHERE language IS NOT NULL")) == 0
    choose_events(client, {**manager_headers, "Precast-Language": "de"}, *ALL_EVENTS)
    assert db.session.scalar(text("SELECT count(*) FROM users WHERE language = 'de'")) == 1


def test_an_email_is_in_the_language_of_its_user(
    app: Flask, client: FlaskClient, server: MailServer, manager_headers: dict[str, str]
) -> None:
    choose_events(client, manager_headers, "job.failed")
    db.session.execute(text("UPDATE users SET language = 'de'"))
    db.session.commit()
    job_id = start_job(client, manager_headers, "Stäbe.csv")
    cancel(job_id, "manager")
    send_all(app)
    (email,) = server.emails
    assert email["Subject"].startswith(f"Green Meadows: Vorgang {job_id} ")
    assert "Datei: Stäbe.csv" in email.get_content()
    assert "Abgebrochen von manager" in email.get_content()


def test_only_the_chosen_events_of_the_users_own_jobs_are_sent(
    app: Flask, client: FlaskClient, server: MailServer, project_id: int, manager_headers: dict[str, str]
) -> None:
    choose_events(client, manager_headers, "job.failed")
    complete(claim_or_fail(start_job(client, manager_headers)))
    admin = user_headers("chief", is_admin=True)
    cancel(start_job(client, admin), "chief")
    assert stored_messages() == []
    mine = start_job(client, manager_headers)
    cancel(mine, "chief")
    assert [message.job_id for message in stored_messages()] == [mine]


def test_a_preview_sends_one_email(
    app: Flask, client: FlaskClient, server: MailServer, manager_headers: dict[str, str]
) -> None:
    for events, expected in ((ALL_EVENTS, "waits for you"), (["job.completed"], "has ended")):
        choose_events(client, manager_headers, *events)
        lease = claim_or_fail(start_job(client, manager_headers, options="&dry_run=true"))
        db.session.execute(text("UPDATE import_jobs SET created_count = 1"))
        complete(lease)
        send_all(app)
        assert expected in server.emails.pop()["Subject"]
        assert not server.emails


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET disabled_at = now()",
        "UPDATE users SET email_events = '{}'",
        "UPDATE users SET email = NULL",
        "DELETE FROM memberships",
    ],
)
def test_a_user_who_has_left_gets_no_email_about_what_happened_before(
    app: Flask, client: FlaskClient, server: MailServer, manager_headers: dict[str, str], change: str
) -> None:
    choose_events(client, manager_headers, *ALL_EVENTS)
    complete(claim_or_fail(start_job(client, manager_headers)))
    db.session.execute(text(change))
    db.session.commit()
    send_all(app)
    assert not server.emails
    assert stored_messages()[0].next_attempt_at is None


def test_a_refused_address_is_given_up_and_a_busy_server_is_tried_again(
    app: Flask, client: FlaskClient, server: MailServer, manager_headers: dict[str, str]
) -> None:
    choose_events(client, manager_headers, *ALL_EVENTS)
    server.refusals = ["451 later"]
    complete(claim_or_fail(start_job(client, manager_headers)))
    while not server.emails:
        send_all(app)
    server.refusals = ["550 unknown"]
    complete(claim_or_fail(start_job(client, manager_headers)))
    send_all(app)
    first, second = stored_messages()
    assert (first.attempts, first.last_status) == (2, 250)
    assert (second.attempts, second.last_status, second.next_attempt_at) == (1, 550, None)


def test_a_mail_server_that_is_away_is_tried_again(
    app: Flask, client: FlaskClient, manager_headers: dict[str, str]
) -> None:
    with changed_settings(app, smtp_url="smtp://127.0.0.1:1", email_from="a@b.example", public_url="https://p.example"):
        choose_events(client, manager_headers, *ALL_EVENTS)
        complete(claim_or_fail(start_job(client, manager_headers)))
        send_all(app)
    (message,) = stored_messages()
    assert message.last_error == "The mail server could not be used: ConnectionRefusedError."
    assert message.next_attempt_at is not None


@needs_openssl
@AIOSMTPD_WARNS
@pytest.mark.parametrize("is_tls", [False, True])
def test_a_password_is_sent_over_an_encrypted_connection(
    app: Flask,
    client: FlaskClient,
    manager_headers: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_tls: bool,
) -> None:
    """By STARTTLS, or from the start of the connection on."""
    certificate = write_certificate(tmp_path)
    with mail_server(certificate=certificate, is_tls=is_tls, password="p/w: %") as found, sending_to(app, found.url):
        choose_events(client, manager_headers, *ALL_EVENTS)
        complete(claim_or_fail(start_job(client, manager_headers)))
        send_due(app)
        assert not found.emails
        assert stored_messages()[0].last_error == "The mail server could not be used: SSLCertVerificationError."
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        db.session.execute(text("UPDATE outbox_messages SET next_attempt_at = now()"))
        db.session.commit()
        send_due(app)
    assert found.sessions == [(True, "precast")]


@AIOSMTPD_WARNS
def test_a_password_is_not_sent_without_encryption(
    app: Flask, client: FlaskClient, manager_headers: dict[str, str]
) -> None:
    with mail_server(password="secret") as found, sending_to(app, found.url):
        choose_events(client, manager_headers, *ALL_EVENTS)
        complete(claim_or_fail(start_job(client, manager_headers)))
        send_due(app)
    assert not found.emails
    assert stored_messages()[0].last_error == "The mail server could not be used: SMTPNotSupportedError."


@needs_openssl
@AIOSMTPD_WARNS
def test_a_wrong_password_is_tried_again(
    app: Flask, client: FlaskClient, manager_headers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = write_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with (
        mail_server(certificate=certificate, password="right") as found,
        sending_to(app, found.url.replace("right", "wrong")),
    ):
        choose_events(client, manager_headers, *ALL_EVENTS)
        complete(claim_or_fail(start_job(client, manager_headers)))
        send_due(app)
    assert not found.emails
    (message,) = stored_messages()
    assert (message.last_error, message.last_status) == ("The mail server answered 535.", 535)
    assert message.next_attempt_at is not None


def test_one_click_stops_all_emails_without_signing_in(
    app: Flask, client: FlaskClient, server: MailServer, manager_headers: dict[str, str]
) -> None:
    choose_events(client, manager_headers, *ALL_EVENTS)
    complete(claim_or_fail(start_job(client, manager_headers)))
    send_all(app)
    path = server.emails[0]["List-Unsubscribe"].strip("<>").removeprefix("https://precast.example")
    # Opening the link changes nothing, because mail servers open links, too.
    shown = page(client, path)
    assert "Stop all e-mails about jobs to eve@example.com?" in shown
    assert client.get(URL, headers=manager_headers).get_json()["events"] == ALL_EVENTS
    for _ in range(2):
        answer = client.post(path, data={"List-Unsubscribe": "One-Click"}, headers={"Origin": "https://mail.example"})
        assert answer.status_code == 200
    assert client.get(URL, headers=manager_headers).get_json() == {"address": ADDRESS, "events": [], "available": True}
    db.session.rollback()
    acts = list(db.session.scalars(select(AuditEntry.act).where(AuditEntry.act.like("user.email%"))))
    assert acts == ["user.email", "user.email_stop"]


def test_a_link_stops_the_emails_to_its_own_address_only(
    app: Flask, client: FlaskClient, server: MailServer, manager_headers: dict[str, str]
) -> None:
    choose_events(client, manager_headers, *ALL_EVENTS)
    user = db.session.scalars(select(User)).one()
    old = unsubscribe_links.make_url(app.config["PRECAST"], UnsubscribeLink(user.id, ADDRESS)).removeprefix(
        "https://precast.example"
    )
    choose_events(client, manager_headers, *ALL_EVENTS, address="eve@new.example")
    assert client.post(old).status_code == 200
    assert client.get(URL, headers=manager_headers).get_json()["events"] == ALL_EVENTS
    for wrong in (old[:-1], old + "a", "/email/stop/x", "/email/stop/WzEsImV2ZUBleGFtcGxlLmNvbSJd.x"):
        assert client.post(wrong).status_code == 404
        assert client.get(wrong).status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "eve", "eve@", "@example.com", "eve@example", "eve@@example.com", "a,b@example.com",
        "eve@example.com\r\nBcc: x@y.z",
        "eve <eve@example.com>", "e v@example.com", "éve@example.com", "a" * 250 + "@example.com", "eve@.", '"a"@b.c',
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(client: FlaskClient, manager_headers: dict[str, str], address: str) -> None:
    answer = client.put(URL, json={"address": address, "events": ALL_EVENTS}, headers=manager_headers)
    assert answer.status_code == 422
    assert "address" in answer.get_json()["errors"]["json"]


def test_events_need_an_address(client: FlaskClient, manager_headers: dict[str, str]) -> None:
    answer = client.put(URL, json={"address": None, "events": ["job.failed"]}, headers=manager_headers)
    assert (answer.status_code, answer.get_json()["message"][:24]) == (422, "Enter the e-mail address")
    choose_events(client, manager_headers, address=None)


def test_the_account_page_offers_email_only_if_some_can_be_sent(app: Flask, project_id: int) -> None:
    browser = signed_in(app, project_id, "mia", Role.MANAGER)
    assert "Send me an e-mail about my jobs" not in page(browser, "/account")
    with changed_settings(
        app, smtp_url="smtp://mail.example", email_from="a@b.example", public_url="https://p.example"
    ):
        assert "Send me an e-mail about my jobs" in page(browser, "/account")


def test_a_project_name_does_not_change_the_headers(
    app: Flask, client: FlaskClient, server: MailServer, manager_headers: dict[str, str]
) -> None:
    projects.rename(1, "Nord, <b>Süd</b>: Bcc")
    db.session.execute(text("UPDATE projects SET name = E'Nord\\r\\nBcc: x@y.example'"))
    db.session.commit()
    choose_events(client, manager_headers, *ALL_EVENTS)
    complete(claim_or_fail(start_job(client, manager_headers)))
    send_all(app)
    (email,) = server.emails
    assert email["Subject"].startswith("Nord Bcc: x@y.example: job")
    assert email["Bcc"] is None


NEEDED = {
    "DATABASE_URL": "postgresql://localhost/precast",
    "REDIS_URL": "redis://localhost",
    "SECRET_KEY": "only for tests, abcdefghijklmnop",
    "SMTP_URL": "smtp://mail.example",
    "EMAIL_FROM": "precast@example.com",
    "PUBLIC_URL": "https://precast.example",
}


@pytest.mark.parametrize(("variable", "value"), [("EMAIL_FROM", ""), ("PUBLIC_URL", ""), ("SMTP_URL", "mail.example")])
def test_incomplete_settings_of_email_are_named(variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        Settings.from_environment({**NEEDED, variable: value})


def test_the_url_of_a_mail_server_is_read() -> None:
    assert Settings.from_environment(NEEDED).sends_email
    expected: dict[str, Any] = {"host": "mail.example", "port": 465, "is_tls": True, "user": "a@b", "password": "p/w"}
    assert parse_smtp_url("smtps://a%40b:p%2Fw@mail.example") == SmtpServer(**expected)
    with pytest.raises(ConfigurationError, match="ASCII"):
        parse_smtp_url("smtp://ada:geheim%C3%A4@mail.example")
    assert parse_smtp_url("smtp://mail.example:25") == SmtpServer("mail.example", 25, False, None, None)
