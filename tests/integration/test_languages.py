"""Pages use the user's language, else that of the cookie, else of Accept-Language; the API English, or `language`."""

from __future__ import annotations

import json

from flask import Flask
from flask.testing import FlaskClient

from precast_app.extensions import db
from precast_app.models import User
from tests.auth_headers import PASSWORD, create_user

ENGLISH, GERMAN = "Keyboard shortcuts", "Tastenkürzel"
ACCEPTS_GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.8"}


def language_of(client: FlaskClient, path: str = "/login", accepted: str | None = None) -> str:
    page = client.get(path, headers={"Accept-Language": accepted} if accepted else {}).text
    assert (ENGLISH in page, GERMAN in page) in ((True, False), (False, True))
    language = "de" if GERMAN in page else "en"
    assert f'<html lang="{language}"' in page
    return language


def test_a_page_is_in_the_language_that_the_browser_asks_for(client: FlaskClient) -> None:
    assert language_of(client) == "en"
    assert language_of(client, accepted="de-AT,de;q=0.9,en;q=0.8") == "de"
    assert language_of(client, accepted="fr") == "en"
    assert language_of(client, accepted="fr, de;q=0.5, en;q=0.4") == "de"


def test_a_browser_keeps_the_language_that_is_chosen_before_signing_in(client: FlaskClient) -> None:
    chosen = client.post(
        "/language", data={"language": "de"}, headers={"Referer": "http://localhost/login?next=/account"}
    )
    assert (chosen.status_code, chosen.location) == (302, "/login?next=/account")
    assert language_of(client) == "de"
    client.post("/language", data={"language": "en"})
    assert language_of(client, accepted="de") == "en"


def test_the_choice_of_a_user_holds_in_every_browser(app: Flask) -> None:
    create_user("ada")
    first, second = app.test_client(), app.test_client()
    for client in (first, second):
        client.post("/login", data={"name": "ada", "password": PASSWORD})
    first.post("/language", data={"language": "de"})
    assert db.session.query(User.language).filter_by(name="ada").scalar() == "de"
    assert language_of(second, "/account", accepted="en") == "de"


def test_only_existing_languages_can_be_chosen(client: FlaskClient) -> None:
    refused = client.post("/language", data={"language": "xx"})
    assert (refused.status_code, refused.json["message"]) == (422, "There is no language 'xx'. Choose one of en, de.")
    foreign = client.post("/language", data={"language": "de"}, headers={"Origin": "https://elsewhere.example"})
    assert foreign.status_code == 403
    for page in ("https://elsewhere.example//evil.example", "http://localhost/static", "nonsense"):
        answer = client.post("/language", data={"language": "de"}, headers={"Referer": page})
        assert answer.location == "/"


def test_every_api_route_accepts_the_language_option(client: FlaskClient, admin: dict[str, str]) -> None:
    problem = {"query": {"language": ["Must be one of: en, de."]}}
    for path in ("/api/me", "/api/project"):
        assert client.get(f"{path}?language=de", headers=admin).status_code == 200
        refused = client.get(f"{path}?language=xx", headers=admin)
        assert (refused.status_code, refused.json["errors"]) == (422, problem)


def test_browsers_keep_the_texts_of_scripts(client: FlaskClient) -> None:
    page = client.get("/login", headers=ACCEPTS_GERMAN).text
    path = page.split('data-texts="')[1].split('"')[0]
    found = client.get(path)
    assert found.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert isinstance(json.loads(found.text), dict)
    assert client.get("/translations/de/0000.json").status_code == 404
    assert client.get("/translations/xx/0000.json").status_code == 404
