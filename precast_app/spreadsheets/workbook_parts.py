"""Parts of a workbook, found by the package's relationships as the standard (ECMA-376, part 2) says."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from precast_app.messages import Message
from precast_app.spreadsheets.errors import UnreadableFile, damaged
from precast_app.spreadsheets.sheet import Limits
from precast_app.spreadsheets.xlsx.sheet_xml import SheetEntry, read_relationships, root_name
from precast_app.spreadsheets.zip_package import ZipPackage

DocumentKind = Literal["xlsx", "xlsb", "docx", "pptx"]

# Where the usual programs put the workbook, for a package without relationships.
_USUAL_PARTS = ("xl/workbook.xml", "xl/workbook.bin", "word/document.xml", "ppt/presentation.xml")
_OTHER_DOCUMENTS: dict[str, DocumentKind] = {"document": "docx", "presentation": "pptx"}
_BINARY_START = b"\x83\x01"  # the first record of a binary workbook


@dataclass(frozen=True, slots=True)
class Worksheet:
    """Worksheet's name, the name of its part in the zip, and whether users see it."""

    name: str
    part: str
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """Relationship of a part: the last word of its type, and the name of the part that it leads to."""

    kind: str
    part: str


@dataclass(frozen=True, slots=True)
class WorkbookParts:
    """Parts of a workbook by name; `relations` are the workbook's, by id."""

    kind: DocumentKind
    workbook: str
    relations: dict[str, Relation]

    def find(self, kind: str, package: ZipPackage) -> str | None:
        """Return the part with a relationship of this kind, or the one with the usual name, or None."""
        suffix = posixpath.splitext(self.workbook)[1]
        usual = posixpath.join(posixpath.dirname(self.workbook), kind + suffix)
        candidates = [each.part for each in self.relations.values() if each.kind == kind]
        return next((part for part in (*candidates, usual) if part in package), None)

    def worksheets(self, entries: list[SheetEntry], package: ZipPackage, limits: Limits) -> tuple[Worksheet, ...]:
        """Return the worksheets of a workbook's list of sheets, in its order.

        Charts, dialogs, macro sheets and entries that lead nowhere, such as those of old VBA modules, are left out.
        Raise `UnreadableFile` if no worksheet is left or the list is damaged.
        """
        found: list[Worksheet] = []
        for entry in entries:
            relation = self.relations.get(entry.relation)
            if relation is None or relation.kind != "worksheet":
                continue
            if relation.part not in package:
                raise damaged(Message("it names a sheet %(sheet)s, which is not in it", sheet=f"{entry.name!r}"))
            found.append(Worksheet(entry.name, relation.part, entry.is_hidden))
            if len(found) > limits.sheets:
                raise UnreadableFile(
                    "too_many_sheets",
                    Message(
                        "The workbook has more than %(limit)s sheets. Save the sheet with the data as a workbook "
                        "of its own and upload that.",
                        limit=limits.sheets,
                    ),
                )
        if not found:
            raise damaged("it contains no worksheet")
        if len({sheet.name for sheet in found}) != len(found):
            raise damaged("two of its sheets have the same name")
        if len({sheet.part for sheet in found}) != len(found):
            # Each sheet would be read separately, so a few kB could cause any amount of work.
            raise damaged("two of its sheets are the same part")
        return tuple(found)


def find_workbook(package: ZipPackage) -> WorkbookParts | None:
    """Return the parts of a package's main document, or None if it has none. Raise `UnreadableFile`."""
    main = [each.part for each in _relations(package, "").values() if each.kind == "officeDocument"]
    part = next((each for each in (*main, *_USUAL_PARTS) if each in package), None)
    if part is None:
        return None
    start = next(package.chunks(part), b"")
    if start.startswith(_BINARY_START) or part.lower().endswith(".bin"):
        return WorkbookParts("xlsb", part, _relations(package, part))
    names = root_name(start), posixpath.splitext(posixpath.basename(part))[0]
    kind: DocumentKind = next((_OTHER_DOCUMENTS[name] for name in names if name in _OTHER_DOCUMENTS), "xlsx")
    return WorkbookParts(kind, part, _relations(package, part) if kind == "xlsx" else {})


def _relations(package: ZipPackage, source: str) -> dict[str, Relation]:
    """Return the relationships of a part, or of the package if `source` is empty; none if it has no such list."""
    folder, name = posixpath.split(source)
    rels = posixpath.join(folder, "_rels", f"{name}.rels")
    if rels not in package:
        return {}
    found = {}
    for key, (kind, target) in read_relationships(package.chunks(rels)).items():
        # A target with a leading slash is absolute; join() then ignores the folder.
        part = posixpath.normpath(posixpath.join("/", folder, target.replace("\\", "/"))).lstrip("/")
        found[key] = Relation(kind, part if part in package else unquote(part))
    return found
