"""Signing in: passwords, sessions on the server, and the throttling of guesses."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from precast_app import create_app
from precast_app.auth import sessions, sign_in_throttle, tokens, users
from precast_app.auth.audit import Action
from precast_app.config import Settings
from precast_app.errors import Conflict, RequestError, TooManyRequests
from precast_app.extensions import db
from precast_app.jobs import broker, retention
from precast_app.models import AuditEntry, Role, User, UserSession
from precast_app.projects import projects

PASSWORD = "correct cement"


def sign_in(
    client: FlaskClient, *, name: str = "ada", password: str = PASSWORD, address: str = "10.0.0.1"
) -> TestResponse:
    return client.post("/login", data={"name": name, "password": password}, environ_base={"REMOTE_ADDR": address})


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/api/me").status_code == 200


@pytest.fixture
def ada(app: Flask) -> User:
    return users.create("ada", PASSWORD)


def test_signing_out_ends_the_session_on_the_server(app: Flask, ada: User, client: FlaskClient) -> None:
    assert sign_in(client).status_code == 302
    cookie = client.get_cookie("precast_session")
    assert cookie is not None
    client.post("/logout")
    client.set_cookie("precast_session", cookie.value)
    assert not is_signed_in(client), "a copy of the cookie still works"
    assert db.session.scalars(select(UserSession)).all() == []


def test_each_sign_in_starts_a_new_session(app: Flask, ada: User, client: FlaskClient) -> None:
    sign_in(client)
    first = client.get_cookie("precast_session")
    sign_in(client)
    assert first is not None
    assert client.get_cookie("precast_session") != first
    client.set_cookie("precast_session", first.value)
    assert not is_signed_in(client)


@pytest.mark.parametrize("column", ["expires_at", "seen_at"])
def test_a_session_expires(app: Flask, ada: User, client: FlaskClient, column: str) -> None:
    sign_in(client)
    assert is_signed_in(client)
    db.session.execute(text(f"UPDATE user_sessions SET {column} = now() - interval '1 day'"))
    db.session.commit()
    assert not is_signed_in(client)
    retention.delete_expired()
    assert len(db.session.scalars(select(UserSession)).all()) == (0 if column == "expires_at" else 1)


def test_a_browser_whose_session_has_ended_is_asked_to_sign_in_again(
    app: Flask, ada: User, client: FlaskClient, admin: dict[str, str]
) -> None:
    sign_in(client)
    db.session.execute(text("DELETE FROM user_sessions"))
    db.session.commit()
    ended = client.get("/api/me").get_json()
    assert (ended["code"], ended["message"]) == (401, "Your session has ended. Sign in again.")
    assert list(ended["errors"]) == ["session"]
    # Without the cookie, and with a token beside it, it is about the token.
    without_cookie = app.test_client().get("/api/me").get_json()
    assert (without_cookie["code"], "Bearer" in without_cookie["message"]) == (401, True)
    wrong_token = client.get("/api/me", headers={"Authorization": "Bearer unknown"}).get_json()
    assert (wrong_token["code"], wrong_token["errors"]) == (401, {})
    assert "token is unknown" in wrong_token["message"]
    assert client.get("/api/me", headers=admin).status_code == 200


def test_the_cookie_is_restricted_to_this_server(app: Flask, ada: User, client: FlaskClient) -> None:
    cookie = sign_in(client).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    stored = db.session.scalar(select(UserSession.session_hash))
    assert stored is not None
    assert stored not in cookie


@pytest.mark.parametrize("path", ["/", "/api/me", "/static/favicon.ico"])
def test_the_cookie_is_only_set_when_signing_in(app: Flask, ada: User, client: FlaskClient, path: str) -> None:
    """Otherwise a late response would restore the cookie of a session that has been ended."""
    sign_in(client)
    with client.get(path) as answer:
        assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)


def test_changing_the_password_ends_all_other_sessions(app: Flask, ada: User, client: FlaskClient) -> None:
    elsewhere = app.test_client()
    sign_in(client)
    sign_in(elsewhere)
    wrong = client.put("/api/me/password", json={"old": "wrong cement", "new": "battery staple"})
    assert (wrong.status_code, "old password" in wrong.get_json()["message"]) == (422, True)
    assert client.put("/api/me/password", json={"old": PASSWORD, "new": "battery staple"}).status_code == 204
    assert is_signed_in(client)
    assert not is_signed_in(elsewhere)
    assert sign_in(elsewhere).status_code == 401
    assert sign_in(elsewhere, password="battery staple").status_code == 302


def test_a_disabled_user_loses_access_at_once(
    app: Flask, ada: User, client: FlaskClient, admin: dict[str, str]
) -> None:
    bearer = {"Authorization": f"Bearer {tokens.create(ada, days=1)}"}
    sign_in(client)
    other = app.test_client()
    assert other.patch("/api/users/ada", json={"disabled": True}, headers=admin).status_code == 200
    assert not is_signed_in(client)
    assert client.get("/api/me", headers=bearer).status_code == 401
    assert sign_in(client).status_code == 401
    assert other.patch("/api/users/ada", json={"disabled": False}, headers=admin).status_code == 200
    assert sign_in(client).status_code == 302


def test_the_last_administrator_cannot_be_removed(app: Flask, admin: dict[str, str], client: FlaskClient) -> None:
    for change in ({"disabled": True}, {"is_admin": False}):
        answer = client.patch("/api/users/admin", json=change, headers=admin)
        assert (answer.status_code, "only administrator" in answer.get_json()["message"]) == (409, True)
    users.create("second", PASSWORD, is_admin=True)
    users.set_disabled("admin", True)
    with pytest.raises(Conflict):
        users.set_admin("second", False)


@pytest.mark.parametrize("password", ["short", "x" * 1001, "password", "PASSWORD1", "ada lovelace", "aaaabbbb"])
def test_a_weak_password_is_rejected(app: Flask, password: str) -> None:
    with pytest.raises(RequestError):
        users.create("Ada Lovelace", password)


def test_passwords_are_hashed_with_argon2_and_old_hashes_are_replaced(
    app: Flask, ada: User, client: FlaskClient
) -> None:
    assert ada.password_hash.startswith("$argon2id$")
    ada.password_hash = generate_password_hash(PASSWORD)
    db.session.commit()
    assert sign_in(client, password="wrong cement").status_code == 401
    assert sign_in(client).status_code == 302
    db.session.expire_all()
    assert users.get_by_name("ada").password_hash.startswith("$argon2id$")


def test_guesses_at_one_name_are_throttled(app: Flask, ada: User, client: FlaskClient) -> None:
    for _ in range(5):
        assert sign_in(client, password="wrong cement").status_code == 401
    refused = sign_in(client)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert "Too many failed attempts" in refused.text
    assert sign_in(client, address="10.0.0.2").status_code == 302, "the same name from elsewhere is let in"


def test_guesses_from_elsewhere_do_not_lock_a_user_out(app: Flask, ada: User, client: FlaskClient) -> None:
    """Guesses from many addresses are throttled together; the user can still sign in from a known address."""
    assert sign_in(client, address="10.0.0.1").status_code == 302
    answers = [
        sign_in(client, password="wrong cement", address=f"10.9.{number // 4}.1").status_code for number in range(60)
    ]
    assert answers[:50] == [401] * 50
    assert answers[50:] == [429] * 10
    assert sign_in(client, address="10.0.0.1").status_code == 302


def test_guesses_at_many_names_from_one_address_are_throttled(app: Flask, ada: User, client: FlaskClient) -> None:
    answers = [sign_in(client, name=f"user {number}").status_code for number in range(31)]
    assert answers == [401] * 30 + [429]


def test_a_successful_sign_in_resets_the_failed_attempts(app: Flask, ada: User, client: FlaskClient) -> None:
    for _ in range(3):
        for _ in range(4):
            assert sign_in(client, password="wrong cement").status_code == 401
        assert sign_in(client).status_code == 302


def test_users_can_sign_in_without_redis(app: Flask, ada: User) -> None:
    client = create_app(replace(app.config["PRECAST"], redis_url="redis://127.0.0.1:1/0")).test_client()
    assert sign_in(client).status_code == 302
    for _ in range(5):
        assert sign_in(client, password="wrong cement").status_code == 401
    assert sign_in(client, password="wrong cement").status_code == 429, "each process counts for itself"


def test_a_users_sessions_are_listed(app: Flask, ada: User, client: FlaskClient) -> None:
    sign_in(client)
    (found,) = sessions.list_for_user(ada.id)
    assert (found.address, found.browser.startswith("Werkzeug")) == ("10.0.0.1", True)


def test_a_user_can_end_a_session_elsewhere(app: Flask, ada: User, client: FlaskClient) -> None:
    plant = app.test_client()
    sign_in(plant, address="10.0.0.2")
    sign_in(client)
    listed = client.get("/api/sessions").get_json()
    assert (listed["count"], {each["address"] for each in listed["sessions"]}) == (2, {"10.0.0.1", "10.0.0.2"})
    (there,) = [each["id"] for each in listed["sessions"] if each["address"] == "10.0.0.2"]
    assert client.delete(f"/api/sessions/{there}").status_code == 204
    assert (is_signed_in(plant), is_signed_in(client)) == (False, True)
    assert client.delete(f"/api/sessions/{there}").status_code == 404, "it has ended"


def test_a_user_cannot_end_the_session_of_another(app: Flask, ada: User, client: FlaskClient) -> None:
    users.create("bob", PASSWORD)
    sign_in(client)
    (hers,) = sessions.list_for_user(ada.id)
    other = app.test_client()
    sign_in(other, name="bob")
    assert other.delete(f"/api/sessions/{hers.id}").status_code == 404
    assert is_signed_in(client)


def test_an_expired_session_is_not_listed(app: Flask, ada: User, client: FlaskClient) -> None:
    sign_in(client)
    db.session.execute(text("UPDATE user_sessions SET seen_at = seen_at - interval '30 days'"))
    db.session.commit()
    assert sessions.list_for_user(ada.id) == []


def test_guesses_at_the_old_password_are_throttled_and_recorded(app: Flask, ada: User, client: FlaskClient) -> None:
    sign_in(client, address="127.0.0.1")
    answers = [
        client.put("/api/me/password", json={"old": f"wrong cement {number}", "new": "battery staple"})
        for number in range(20)
    ]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429] * 15
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    right = client.put("/api/me/password", json={"old": PASSWORD, "new": "battery staple"})
    assert right.status_code == 429, "the right one is not told apart"
    refused = select(AuditEntry.act, AuditEntry.who).where(AuditEntry.act == "user.password_refused")
    assert db.session.execute(refused).all() == [("user.password_refused", "ada")] * 5
    assert sign_in(app.test_client(), address="127.0.0.1").status_code == 429, "the sign-in counts with it"


@pytest.mark.parametrize("redis_is_there", [True, False])
def test_parallel_guesses_are_throttled_like_sequential_ones(app: Flask, ada: User, redis_is_there: bool) -> None:
    settings: Settings = app.config["PRECAST"]
    if not redis_is_there:
        app.config["PRECAST"] = replace(settings, redis_url="redis://127.0.0.1:1/0")
    sign_in_throttle.init_app(app)
    start = Barrier(24)

    def guess(number: int) -> str:
        with app.test_request_context(environ_base={"REMOTE_ADDR": "10.0.0.1"}):
            start.wait()
            try:
                user = users.verify_password("ada", f"wrong cement {number}", refusal=Action.SESSION_REFUSED)
                db.session.commit()
            except TooManyRequests:
                return "not checked"
            assert user is None
            return "checked"

    try:
        with ThreadPoolExecutor(24) as pool:
            answers = Counter(pool.map(guess, range(24)))
    finally:
        app.config["PRECAST"] = settings
        sign_in_throttle.init_app(app)
    assert answers == {"checked": 5, "not checked": 19}


def test_frequent_successful_sign_ins_are_not_throttled(app: Flask, ada: User, client: FlaskClient) -> None:
    assert [sign_in(client).status_code for _ in range(40)] == [302] * 40


def test_a_password_set_by_an_administrator_ends_sessions_and_tokens(
    app: Flask, ada: User, client: FlaskClient, admin: dict[str, str]
) -> None:
    bearer = {"Authorization": f"Bearer {tokens.create(ada, days=1)}"}
    sign_in(client)
    assert app.test_client().get("/api/me", headers=bearer).status_code == 200
    other = app.test_client()
    assert other.patch("/api/users/ada", json={"password": "battery staple"}, headers=admin).status_code == 200
    assert not is_signed_in(client)
    assert other.get("/api/me", headers=bearer).status_code == 401
    assert other.get("/api/me", headers=admin).status_code == 200, "those of others stay"


def test_changing_the_own_password_keeps_the_tokens(app: Flask, ada: User, client: FlaskClient) -> None:
    bearer = {"Authorization": f"Bearer {tokens.create(ada, days=1)}"}
    sign_in(client)
    assert client.put("/api/me/password", json={"old": PASSWORD, "new": "battery staple"}).status_code == 204
    assert app.test_client().get("/api/me", headers=bearer).status_code == 200


@pytest.mark.parametrize("name", ["a/b", "/", "a\\b", ".", ".."])
def test_user_names_that_no_url_can_contain_are_rejected(app: Flask, name: str) -> None:
    with pytest.raises(RequestError, match="slash or a backslash"):
        users.create(name, PASSWORD)


@pytest.mark.parametrize(
    "name",
    ["a/b", "/a", "a//b", "//", "a/", "a/../b", ".", "..", "a?b#c", "100%", "ä ö", "a.b", "a%2Fb", "a\\b", "x" * 100],
)
def test_users_with_any_stored_name_can_be_managed(
    app: Flask, admin: dict[str, str], client: FlaskClient, project_id: int, name: str
) -> None:
    db.session.add(User(name=name, password_hash="$argon2id$none"))
    db.session.commit()
    address = quote(name, safe="")
    member = f"/api/project/{project_id}/members/{address}"
    assert client.put(member, json={"role": "viewer"}, headers=admin).status_code == 200
    assert client.delete(member, headers=admin).status_code == 204
    changed = client.patch(f"/api/users/{address}", json={"disabled": True}, headers=admin)
    assert (changed.status_code, changed.get_json()["user"]["name"]) == (200, name)


def test_pages_encode_a_user_name_as_one_path_segment(
    app: Flask, ada: User, admin: dict[str, str], client: FlaskClient, project_id: int
) -> None:
    """Otherwise browsers would resolve the path of `x/../ada` to that of ada."""
    db.session.add(User(name="x/../ada", password_hash="$argon2id$none"))
    db.session.commit()
    projects.set_role(project_id, "x/../ada", Role.VIEWER)
    for page, address in (("/users", "/api/users"), (f"/projects/{project_id}/members", "/members")):
        shown = client.get(page, headers=admin).text
        assert f"{address}/x%2F..%2Fada&#34;" in shown or f'{address}/x%2F..%2Fada"' in shown
        assert f"{address}/x/" not in shown


def test_spaces_around_a_user_name_are_ignored(app: Flask, ada: User, client: FlaskClient) -> None:
    assert users.get_by_name(" ada ").id == ada.id
    assert sign_in(client, name=" ada ").status_code == 302


def test_a_rejected_new_password_revokes_no_tokens(
    app: Flask, ada: User, admin: dict[str, str], client: FlaskClient
) -> None:
    bearer = {"Authorization": f"Bearer {tokens.create(ada, days=1)}"}
    assert client.patch("/api/users/ada", json={"password": "short"}, headers=admin).status_code == 422
    db.session.commit()
    assert client.get("/api/me", headers=bearer).status_code == 200


def test_a_late_success_does_not_lower_the_next_count(app: Flask, ada: User) -> None:
    """The minute can end between counting an attempt and verifying its password."""
    with app.test_request_context(environ_base={"REMOTE_ADDR": "10.0.0.1"}):
        attempts = [sign_in_throttle.begin(f"user {number}") for number in range(20)]
        broker.redis_connection().flushdb()
        for attempt in attempts:
            attempt.succeed()
        allowed = 0
        with pytest.raises(TooManyRequests):
            for number in range(60):
                sign_in_throttle.begin(f"other {number}")
                allowed += 1
    assert allowed == 30
