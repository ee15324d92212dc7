"""Declaration of settings, and parsing of the environment variables that they are read from."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import Field, field
from pathlib import Path
from typing import Any

from precast_app.errors import ConfigurationError

log = logging.getLogger(__name__)

_MAY_BE_ZERO = frozenset({"TRUSTED_PROXIES", "PROXIES"})


def setting(default: Any, effect: str, *, deprecated_variable: str = "") -> Any:
    """Declare a field that is read from an environment variable; the default `""` means that it must be set.

    `effect` stands in `docs/settings.md` too. The `deprecated_variable` is still read, with a warning, until the next
    release.
    """
    return field(default=default, metadata={"effect": effect, "deprecated_variable": deprecated_variable})


def variable_of(declared: Field[Any]) -> str:
    """Return the environment variable that a setting is read from: its name in capitals."""
    return declared.name.upper()


def read_setting(environment: Mapping[str, str], declared: Field[Any]) -> Any:
    """Return the value of a setting, of its default's type; the default itself if the variable is not set or blank.

    The variable with the suffix `_FILE` names a file that has the value instead, as containers get secrets.
    Raise `ConfigurationError` if the variable is malformed, the file can't be read, or both variables are set.
    """
    variable, text = _find_variable(environment, declared)
    return _parse(variable, text, type(declared.default)) if text else declared.default


def _find_variable(environment: Mapping[str, str], declared: Field[Any]) -> tuple[str, str]:
    """Return the variable that has the setting, current or deprecated, and its text, empty if neither is set."""
    variable, deprecated = variable_of(declared), declared.metadata["deprecated_variable"]
    text = environment.get(variable, "").strip()
    if file_name := environment.get(f"{variable}_FILE", "").strip():
        if text:
            raise ConfigurationError(f"Set only one of {variable} and {variable}_FILE.")
        return variable, _read_file(f"{variable}_FILE", file_name)
    deprecated_text = environment.get(deprecated, "").strip() if deprecated else ""
    if text or not deprecated_text:
        return variable, text
    log.warning("%s is deprecated and will be ignored by the next release; set %s instead.", deprecated, variable)
    return deprecated, deprecated_text


def _read_file(variable: str, file_name: str) -> str:
    try:
        text = Path(file_name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The file {file_name} that {variable} names can't be read: {error}.") from None
    if not text:
        raise ConfigurationError(f"The file {file_name} that {variable} names is empty.")
    return text


def _parse(variable: str, text: str, kind: type) -> Any:
    if kind is str:
        return text
    if kind is bool:
        if text.lower() in ("true", "yes", "1", "on"):
            return True
        if text.lower() in ("false", "no", "0", "off"):
            return False
        raise ConfigurationError(f"{variable} must be true or false, not {text!r}.")
    try:
        value = kind(text)
    except ValueError:
        raise ConfigurationError(f"{variable} must be a number, not {text!r}.") from None
    if value < 0 or (value == 0 and variable not in _MAY_BE_ZERO):
        raise ConfigurationError(f"{variable} must be more than 0, not {text!r}.")
    return value
