"""The languages of pages and messages, and which of them a request is answered in."""

from __future__ import annotations

from typing import Any

from flask import Flask, has_request_context, request
from flask_babel import Babel, Domain, get_locale, refresh
from werkzeug.utils import cached_property

from precast_app.languages import catalogue

# Each language's code with its own name. English is the language of the code; the others have a catalogue.
LANGUAGES = {"en": "English", "de": "Deutsch"}
DEFAULT = "en"
# The cookie for browsers in which nobody is signed in.
COOKIE = "language"
# The header by which the scripts of the pages ask for the API's texts in the language of the page.
HEADER = "Precast-Language"
# The option of API requests.
OPTION = "language"
_API = "/api/"
_USER_LANGUAGE_KEY = "precast.language"


def gettext_noop(text: str) -> str:
    """Return the text unchanged; this marks a text for the catalogue that is translated only where it is shown."""
    return text


def init_app(app: Flask) -> None:
    """Give the application the languages, and templates the functions to translate with."""
    _Babel().init_app(app, default_locale=DEFAULT, locale_selector=_requested)
    app.jinja_env.globals.update(languages=LANGUAGES, current_language=current)
    # An application context, in which Flask-Babel keeps the language, may outlive the request.
    app.before_request(refresh)


def current() -> str:
    """Return the code of the language that is used now; English outside of a request."""
    locale = get_locale()
    return DEFAULT if locale is None else str(locale)


def prefer(language: str | None) -> None:
    """Answer the current request in the language of its user; None for the browser's."""
    request.environ[_USER_LANGUAGE_KEY] = language
    refresh()


def _requested() -> str:
    if not has_request_context():
        return DEFAULT
    if request.path.startswith(_API):
        # Clients compare the texts of the API, so a browser's or a library's Accept-Language doesn't change them.
        wanted = [request.args.get(OPTION), request.headers.get(HEADER)]
    else:
        accepted = request.accept_languages.best_match([*LANGUAGES])
        wanted = [request.environ.get(_USER_LANGUAGE_KEY), request.cookies.get(COOKIE), accepted]
    return next((language for language in wanted if language in LANGUAGES), DEFAULT)


class _Babel(Babel):  # type: ignore[misc] # without types
    """Flask-Babel with catalogues that are compiled in memory."""

    @cached_property
    def domain_instance(self) -> Domain:
        return _Domain()


class _Domain(Domain):  # type: ignore[misc] # without types
    """The texts of the current language."""

    def get_translations(self) -> Any:
        """Return the translations to the current language; in English and outside of requests, texts stay."""
        return catalogue.translations(current())
