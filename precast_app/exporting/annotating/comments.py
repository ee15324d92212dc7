"""Comments of a worksheet, including replies in threads, which recent versions of Excel show instead."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from precast_app.exporting import safe_text
from precast_app.exporting.annotating.marks import AUTHOR, Mark
from precast_app.exporting.annotating.package_copy import PackageCopy
from precast_app.exporting.annotating.xml_edits import (
    Edit,
    Element,
    append_children,
    elements,
    escape,
    prefix_of,
    start_tag,
)
from precast_app.spreadsheets import column_letter
from precast_app.spreadsheets.errors import damaged

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
# Excel decodes `_x0041_` in texts; `_x005F_` stands for the underscore.
_PRESERVE: Mapping[str, str] = {"xml:space": "preserve"}
_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


@dataclass(slots=True)
class _Comment:
    """Comment of the upload: its element, its `text` element and the last piece of text in it."""

    element: Element
    body: Element | None
    last: Element | None


def new_comments(marks: Iterable[Mark], namespace: str) -> bytes:
    """Return a new part with a comment for each mark."""
    authors = f"<authors><author>{AUTHOR}</author></authors>".encode()
    listed = b"".join(_comment(mark, "", 0) for mark in marks)
    return (
        start_tag("comments", {"xmlns": namespace}) + authors + b"<commentList>" + listed + b"</commentList></comments>"
    )


def add_comments(package: PackageCopy, part: str, marks: Iterable[Mark]) -> list[Mark]:
    """Add the marks' texts to a part with comments and return the marks of cells that had none.

    A cell's own comment is kept, with the text after it.
    """
    document = package.read(part)
    by_cell = {_reference(mark): mark for mark in marks}
    commented: dict[str, _Comment] = {}
    names: list[Element] = []
    authors = listed = body = last = None
    for element in elements(document):
        if element.name == "t" and element.parent != "rPh":
            last = element
        elif element.name == "text" and element.depth == 4:
            body = element
        elif element.name == "comment" and element.depth == 3:
            if (cell := element.attributes.get("ref", "")) in by_cell:
                commented.setdefault(cell, _Comment(element, body, last))
            body = last = None
        elif element.name == "author" and element.depth == 3:
            names.append(element)
        elif element.name == "authors" and element.depth == 2:
            authors = element
        elif element.name == "commentList" and element.depth == 2:
            listed = element
    if listed is None:
        raise damaged("a list of its comments is incomplete")
    edits = [edit for cell, found in commented.items() for edit in _append(by_cell[cell].text, found)]
    added = [mark for cell, mark in by_cell.items() if cell not in commented]
    if added:
        author = next(
            (n for n, each in enumerate(names) if document[each.content : each.content_end] == AUTHOR.encode()),
            len(names),
        )
        prefix = listed.prefix
        if author == len(names):
            name = f"<{prefix}author>{AUTHOR}</{prefix}author>".encode()
            if authors is None:
                text = f"<{prefix}authors>".encode() + name + f"</{prefix}authors>".encode()
                edits.append(Edit(listed.start, listed.start, text))
            else:
                edits += append_children(authors, name)
        edits += append_children(listed, b"".join(_comment(mark, prefix, author) for mark in added))
    package.edit(part, edits)
    return added


def add_replies(package: PackageCopy, part: str, marks: Iterable[Mark]) -> bool:
    """Add the marks' texts as replies to the threads in a sheet's part; return whether there was one."""
    document = package.read(part)
    by_cell = {_reference(mark): mark for mark in marks}
    replies: list[bytes] = []
    root = None
    for element in elements(document):
        root = element
        attributes = element.attributes
        if element.name == "threadedComment" and "parentId" not in attributes and attributes.get("ref") in by_cell:
            mark = by_cell.pop(attributes["ref"])
            replies.append(_reply(element, mark.text))
    if root is None or not replies:
        return False
    package.edit(part, append_children(root, b"".join(replies)))
    return True


def add_person(package: PackageCopy, part: str) -> None:
    """Add the author of replies to the workbook's persons."""
    *persons, root = elements(package.read(part))
    if any(person.attributes.get("id") == _person_id() for person in persons):
        return
    attributes = {"displayName": AUTHOR, "id": _person_id(), "userId": AUTHOR, "providerId": "None"}
    package.edit(part, append_children(root, start_tag(f"{root.prefix}person", attributes, is_single=True)))


def _reference(mark: Mark) -> str:
    return f"{column_letter(mark.column)}{mark.row}"


def _text(text: str, room: int | None = None) -> str:
    cut = safe_text.comment_text(text)[:room]
    return escape(_LOOKS_ESCAPED.sub("_x005F_", cut))


def _comment(mark: Mark, prefix: str, author: int) -> bytes:
    attributes = {"ref": _reference(mark), "authorId": str(author), "shapeId": "0"}
    text = f'<{prefix}t xml:space="preserve">{_text(mark.text)}</{prefix}t>'
    tag = f"{prefix}comment"
    return start_tag(tag, attributes) + f"<{prefix}text>{text}</{prefix}text></{tag}>".encode()


def _append(text: str, comment: _Comment) -> list[Edit]:
    """Return the edits that append a text to a comment."""
    prefix = prefix_of(comment.element.tag)
    if comment.last is not None:
        room = safe_text.MAX_COMMENT_CHARACTERS - (comment.element.end - comment.element.start)
        return append_children(comment.last, _text(f"\n{text}", max(room, 0)).encode(), _PRESERVE)
    piece = f"<{prefix}t>{_text(text)}</{prefix}t>".encode()
    if comment.body is not None:
        return append_children(comment.body, piece)
    return append_children(comment.element, f"<{prefix}text>".encode() + piece + f"</{prefix}text>".encode())


def _reply(thread: Element, text: str) -> bytes:
    given = thread.attributes
    key = uuid.uuid5(uuid.NAMESPACE_OID, f"{given.get('id')} {text}")
    attributes = {
        "ref": given["ref"],
        **({"dT": given["dT"]} if "dT" in given else {}),
        "personId": _person_id(),
        "id": f"{{{str(key).upper()}}}",
        "parentId": given.get("id", ""),
    }
    prefix = prefix_of(thread.tag)
    body = f"<{prefix}text>{_text(text)}</{prefix}text></{thread.tag}>".encode()
    return start_tag(thread.tag, attributes) + body


def _person_id() -> str:
    return f"{{{str(uuid.uuid5(uuid.NAMESPACE_OID, AUTHOR)).upper()}}}"
