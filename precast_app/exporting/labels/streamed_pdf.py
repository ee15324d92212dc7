"""A PDF document whose pages are written to a file as soon as they are complete."""

from __future__ import annotations

from typing import IO, Any

from reportlab.pdfbase import pdfdoc
from reportlab.pdfgen.canvas import Canvas


class StreamedCanvas(Canvas):
    """A ReportLab canvas that needs as much memory for thousands of pages as for one.

    ReportLab keeps every page until the document is saved. Here, `showPage` writes the page to the file and forgets it.
    """

    def __init__(self, file: IO[bytes], page_size: tuple[float, float]) -> None:
        """Start a document; `file` needs no `seek`, `page_size` is in points."""
        super().__init__(file, pagesize=page_size, pageCompression=1)
        self._doc.__class__ = _StreamedDocument
        self._doc.start_file(file)

    def showPage(self) -> None:  # noqa: N802 # the name in ReportLab
        """End the page and write it."""
        super().showPage()
        self._doc.flush_pages()


class _StreamedDocument(pdfdoc.PDFDocument):
    def start_file(self, file: IO[bytes]) -> None:
        self._output = _OutputFile(file, self._pdfVersion)
        self._pages_written = 0

    def flush_pages(self) -> None:
        while self._pages_written < self.pageCounter - 1:
            self._pages_written += 1
            name = f"Page{self._pages_written}"
            page = self.idToObject[name]
            page.check_format(self)
            content = f"Content{self._pages_written}"
            page.Contents = self.Reference(page.Contents, content)
            self._write_object(content)
            self._write_object(name)
            # The list of pages would keep the page.
            self.Pages.pages[-1] = pdfdoc.PDFObjectReference(name)

    def _write_object(self, name: str) -> None:
        formatted = pdfdoc.PDFIndirectObject(name, self.idToObject[name]).format(self)
        self.idToOffset[name] = self._output.add(formatted)
        self.idToObject[name] = None

    def format(self) -> bytes:
        """Write what is left: fonts, the list of pages and the table of all objects. Return nothing more to write."""
        self.encrypt.prepare(self)
        root, info = self.Reference(self.Catalog), self.Reference(self.info)
        number, names = 1, []
        # Formatting an object can add further ones.
        while number in self.numberToId:
            name = self.numberToId[number]
            if name not in self.idToOffset:
                self._write_object(name)
            names.append(name)
            number += 1
        table = pdfdoc.PDFCrossReferenceTable()
        table.addsection(0, names)
        start = self._output.add(table.format(self))
        trailer = pdfdoc.PDFTrailer(startxref=start, Size=number, Root=root, Info=info, Encrypt=None, ID=self.ID())
        self._output.add(trailer.format(self))
        return b""


class _OutputFile(pdfdoc.PDFFile):
    def __init__(self, file: IO[bytes], version: Any) -> None:
        super().__init__(version)
        for text in self.strings:
            file.write(text)
        self.strings.clear()
        self.write = file.write
