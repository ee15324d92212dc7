"""Annotation of Excel workbooks (.xlsx, .xlsm): colours and comments are added to the XML, everything else is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from precast_app.exporting.annotating import comment_boxes, comments, sheet_cells
from precast_app.exporting.annotating.cell_contents import ContentsEditor, Replacement
from precast_app.exporting.annotating.cell_styles import CellStyles
from precast_app.exporting.annotating.marks import Mark, Marks
from precast_app.exporting.annotating.package_copy import PackageCopy, Relationship
from precast_app.exporting.annotating.sheet_cells import ColouredSheet
from precast_app.exporting.annotating.xml_edits import Edit, elements
from precast_app.spreadsheets.errors import damaged

# The two variants of the standard: the namespaces of workbooks and of relationships.
_TRANSITIONAL = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
)
_STRICT = ("http://purl.oclc.org/ooxml/spreadsheetml/main", "http://purl.oclc.org/ooxml/officeDocument/relationships")


def write(upload: IO[bytes], marks: Marks, out: IO[bytes]) -> str:
    """Write the annotated workbook and return its kind: xlsx, xlsm, xltx or xltm.

    Raise `UnreadableFile` if a part that is edited is damaged.
    """
    package = PackageCopy(upload)
    workbook = package.related("", "officeDocument")
    if workbook is None:
        raise damaged("its workbook is missing")
    sheets = {key: each for key, each in package.relationships(workbook).items() if each.kind == "worksheet"}
    is_strict = any(each.type.startswith(_STRICT[1]) for each in sheets.values())
    annotator = _Annotator(package, workbook, is_strict=is_strict)
    for element in elements(package.read(workbook)):
        key = next((value for name, value in element.attributes.items() if name.endswith(":id")), "")
        if element.name == "sheet" and key in sheets:
            found = list(marks.in_sheet(element.attributes.get("name", "")))
            if found:
                annotator.annotate(sheets[key].target, found)
    annotator.save()
    package.write(out)
    return _kind(package.content_type(workbook).lower())


def write_corrected(upload: IO[bytes], sheet: str, replacements: Iterable[Replacement], out: IO[bytes]) -> str:
    """Write the workbook with other contents in cells of a sheet, and return its kind.

    Raise `UnreadableFile` if a part that is edited is damaged, `SharedFormula` for a cell whose formula others share.
    """
    package = PackageCopy(upload)
    workbook = package.related("", "officeDocument")
    if workbook is None:
        raise damaged("its workbook is missing")
    sheets = {key: each for key, each in package.relationships(workbook).items() if each.kind == "worksheet"}
    for element in elements(package.read(workbook)):
        key = next((value for name, value in element.attributes.items() if name.endswith(":id")), "")
        if element.name == "sheet" and key in sheets and element.attributes.get("name", "") == sheet:
            editor = ContentsEditor(replacements)
            editor.run(package.chunks(sheets[key].target))
            package.edit(sheets[key].target, editor.edits)
            if editor.has_formulas:
                # Excel writes it again; one that lists a cell without a formula counts as damaged.
                package.drop_related(workbook, "calcChain")
            break
    package.write(out)
    return _kind(package.content_type(workbook).lower())


def _kind(content_type: str) -> str:
    if "template" in content_type:
        return "xltm" if "macroenabled" in content_type else "xltx"
    return "xlsm" if "macroenabled" in content_type else "xlsx"


class _Annotator:
    """Annotator of the sheets of a workbook."""

    def __init__(self, package: PackageCopy, workbook: str, *, is_strict: bool) -> None:
        self._package = package
        self._workbook = workbook
        self._main, self._relationships = _STRICT if is_strict else _TRANSITIONAL
        self._styles = CellStyles(package, workbook, f"{self._relationships}/", self._main)
        self._folder = workbook.rpartition("/")[0]
        self._has_replies = False

    def annotate(self, sheet: str, marks: list[Mark]) -> None:
        """Colour and comment the cells of a sheet's part."""
        package = self._package
        coloured = sheet_cells.colour_cells(package.chunks(sheet), marks, self._styles.coloured)
        edits = coloured.edits
        uncommented = self._add_comments(sheet, marks)
        if uncommented:
            edits += self._add_boxes(sheet, coloured, uncommented)
        package.edit(sheet, edits)

    def save(self) -> None:
        """Add what all sheets share."""
        self._styles.save()
        persons = self._package.related(self._workbook, "person")
        if self._has_replies and persons is not None:
            comments.add_person(self._package, persons)

    def _add_comments(self, sheet: str, marks: list[Mark]) -> list[Mark]:
        """Add the comments and return the marks whose comments are new ones."""
        package = self._package
        part = package.related(sheet, "comments")
        if part is None:
            new = package.unused_name(f"{self._folder}/comments{{}}.xml".lstrip("/"))
            package.add(new, comments.new_comments(marks, self._main), comments.CONTENT_TYPE)
            package.relate(sheet, Relationship(f"{self._relationships}/comments", new))
            return marks
        uncommented = comments.add_comments(package, part, marks)
        threads = package.related(sheet, "threadedComment")
        persons = package.related(self._workbook, "person")
        # Without a list of persons a reply would have no author.
        if threads is not None and persons is not None:
            self._has_replies |= comments.add_replies(package, threads, marks)
        return uncommented

    def _add_boxes(self, sheet: str, coloured: ColouredSheet, marks: list[Mark]) -> list[Edit]:
        """Add the boxes of new comments and return the edits of the sheet that show them."""
        package = self._package
        if coloured.legacy_drawing is not None:
            drawing = package.relationships(sheet).get(coloured.legacy_drawing)
            if drawing is None:
                raise damaged("the drawing of a sheet's comments is missing")
            comment_boxes.add_boxes(package, drawing.target, marks)
            return []
        part = package.unused_name(f"{self._folder}/drawings/vmldrawing{{}}.vml".lstrip("/"))
        package.add(part, comment_boxes.new_boxes(marks), comment_boxes.CONTENT_TYPE)
        key = package.relate(sheet, Relationship(f"{self._relationships}/vmlDrawing", part))
        shown = sheet_cells.legacy_drawing(coloured.root, key, self._relationships)
        return [Edit(coloured.tail, coloured.tail, shown)]
