"""Texts for people that know their template and values, so that they can be shown in another language. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from zlib import crc32

# JSON that a text in another language is made from: `[id of the template]`, `[id, values]`, or what is joined. A value
# that is a constant text is `{"text": …}`.
Parts = list[Any] | dict[str, Any]


class Message(str):
    """A text in English, with the parts that the same text in another language is made from.

    Its template has a named placeholder for each of its values, as in `Row %(row)s already has this item.`; a percent
    sign is written twice if there are values. A value may be another message. A text without values can be translated
    as a plain string, too, so it is made a message only where it is a value of another one.
    """

    __slots__ = ("parts",)

    parts: Parts

    def __new__(cls, template: str, /, **values: object) -> Message:
        """Return the message of a template, which must be a literal, so that it is found for the catalogue."""
        return from_template(template, values)

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (str(self), self.parts)

    def __deepcopy__(self, memo: object) -> Message:
        return self


def from_template(template: str, values: Mapping[str, object]) -> Message:
    """Return the message of a template that is not a literal; whoever calls this sees to its place in the catalogue."""
    if not values:
        return restore(template, [template_id(template)])
    return restore(template % values, [template_id(template), _as_json(values)])


def plural_message(singular: str, plural: str, /, count: int, **values: object) -> Message:
    """Return the message of one of two templates, by the value `count`."""
    english = (singular if count == 1 else plural) % {"count": count, **values}
    return restore(english, [template_id(singular), _as_json({"count": count, **values})])


def join_messages(separator: str, messages: Iterable[str]) -> Message:
    """Return one message of several; plain strings among them are shown in every language as they are."""
    listed = list(messages)
    items = [[str(each), each.parts] if isinstance(each, Message) else each for each in listed]
    return restore(separator.join(listed), {"separator": separator, "items": items})


def restore(english: str, parts: Parts | None) -> Message:
    """Return the message of an English text that was stored with its parts; without any, it is its own template."""
    message = str.__new__(Message, english)
    message.parts = [template_id(english)] if parts is None else parts
    return message


def as_message(text: str) -> Message:
    """Return a text as a message, so that it is translated where it is a value; a plain string is its own template."""
    return text if isinstance(text, Message) else restore(text, None)


def stored_parts(text: str) -> Parts | None:
    """Return the parts to store with a text; None for a text that is its own template.

    U+FFFD stands for each NUL, which PostgreSQL can't store.
    """
    if not isinstance(text, Message) or text.parts == [template_id(str(text))]:
        return None
    return _without_nul(text.parts) if "\0" in text else text.parts


def dump_messages(value: Any) -> Any:
    """Return a JSON value in which each message is an object `{"message": [text, parts]}`.

    No other object may have the key `message` with a list.
    """
    if isinstance(value, Message):
        return {"message": [str(value), value.parts]}
    if isinstance(value, dict):
        return {name: dump_messages(each) for name, each in value.items()}
    return [dump_messages(each) for each in value] if isinstance(value, (list, tuple)) else value


def load_messages(value: Any) -> Any:
    """Return the value that `dump_messages` was given, with lists for tuples."""
    if isinstance(value, list):
        return [load_messages(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"message"} and isinstance(value["message"], list):
        return restore(*value["message"])
    return {name: load_messages(each) for name, each in value.items()}


@cache
def template_id(template: str) -> int:
    """Return the number by which a template is found in the catalogues: the CRC-32 of its UTF-8."""
    return crc32(template.encode("utf-8", "replace"))


def _as_json(values: Mapping[str, object]) -> dict[str, Any]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: object) -> Any:
    if isinstance(value, Message):
        return {"text": str(value)} if value.parts == [template_id(str(value))] else value.parts
    return value if type(value) is int else str(value)


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(each) for each in value]
    if isinstance(value, dict):
        return {name: _without_nul(each) for name, each in value.items()}
    return value
