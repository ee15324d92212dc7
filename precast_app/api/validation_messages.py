"""What marshmallow and webargs say about the fields of a request, as messages, which can be translated."""

from __future__ import annotations

from functools import cache

from precast_app.messages import Message, as_message, from_template

# Their texts with the values that are in them. The first one that a text fits counts.
TEMPLATES = (
    "Missing data for required field.",
    "Field may not be null.",
    "Unknown field.",
    "Invalid input type.",
    "Invalid type.",
    "Invalid value.",
    "Not a valid string.",
    "Not a valid utf-8 string.",
    "Not a valid integer.",
    "Not a valid number.",
    "Not a valid boolean.",
    "Not a valid list.",
    "Not a valid mapping type.",
    "Not a valid datetime.",
    "Not a valid date.",
    "Not a valid file.",
    "Not a valid URL.",
    "Not a valid email address.",
    "Special numeric values (nan or infinity) are not permitted.",
    "Number too large.",
    "String does not match expected pattern.",
    "Invalid JSON body.",
    "Must be one of: %(choices)s.",
    "Must be greater than or equal to %(min)s and less than or equal to %(max)s.",
    "Must be greater than or equal to %(min)s.",
    "Must be less than or equal to %(max)s.",
    "Length must be between %(min)s and %(max)s.",
    "Length must be %(equal)s.",
    "Shorter than minimum length %(min)s.",
    "Longer than maximum length %(max)s.",
)


def to_message(text: str) -> Message:
    """Return a text about a field as a message; one that is none of `TEMPLATES` is its own template."""
    if isinstance(text, Message):
        return text
    for template in TEMPLATES:
        values = _match(template, text)
        if values is not None:
            return from_template(template, values)
    return as_message(text)


def _match(template: str, text: str) -> dict[str, str] | None:
    """Return the values that the text has in place of the placeholders; None if it is not of the template."""
    first, *names_and_literals = _split(template)
    if not text.startswith(first):
        return None
    values, rest = {}, text[len(first) :]
    for name, literal in zip(names_and_literals[::2], names_and_literals[1::2], strict=True):
        end = rest.rfind(literal) if literal == names_and_literals[-1] else rest.find(literal)
        if end < 0:
            return None
        values[name], rest = rest[:end], rest[end + len(literal) :]
    return None if rest else values


@cache
def _split(template: str) -> tuple[str, ...]:
    """Return the literal texts of a template, with the names of its placeholders between them."""
    first, *others = template.split("%(")
    return (first, *(part for each in others for part in each.split(")s", 1)))
