"""Texts are normalised in the same way in every format."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable

import openpyxl
import pytest

from precast_app.spreadsheets import Cell, CellError, open_book
from tests.unit import ods_files

NFC = "T\N{LATIN SMALL LETTER U WITH DIAERESIS}r"
NFD = unicodedata.normalize("NFD", NFC)


def csv_file(text: str) -> bytes:
    return f"{text},b\n".encode()


def xlsx_file(text: str) -> bytes:
    book = openpyxl.Workbook()
    book.active.append([text, "b"])
    book.active["A1"].data_type = "s"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def ods_file(text: str) -> bytes:
    return ods_files.ods(ods_files.table(ods_files.row(ods_files.text(text), ods_files.text("b"))))


def first_cell(content: bytes) -> Cell:
    """Return the first cell, which the scan and the reader read alike."""
    book = open_book(io.BytesIO(content))
    [row] = book.rows(book.sheets[0])
    [head] = book.scan(book.sheets[0]).head
    assert list(head.cells) == list(row.cells)
    return row.cells[0]


ERROR_WORDS = (
    "#N/A #REF! #NAME? #VALUE! #DIV/0! #NUM! #NULL! #SPILL! #CALC! #FIELD! #BLOCKED! #CONNECT! #BUSY! #UNKNOWN! "
    "#PYTHON! #GETTING_DATA #ERROR! #NV #BEZUG! #ÜBERLAUF! #¡VALOR! #¿NOMBRE? #ССЫЛКА! Err:502 "
    "#N/B #I/T #YOK #HIÁNYZIK #Δ/Υ #NENÍ_K_DISPOZICI #DĚLENÍ_NULOU! #SAYI/0! #PUUTTUU!"
)
FORMATS = pytest.mark.parametrize("make", [csv_file, xlsx_file, ods_file])


@FORMATS
def test_decomposed_letters_are_composed(make: Callable[[str], bytes]) -> None:
    assert NFD != NFC
    assert first_cell(make(NFD)) == NFC
    assert first_cell(make(NFC)) == NFC


@FORMATS
@pytest.mark.parametrize(
    "word",
    ERROR_WORDS.split(),
)
def test_an_error_word_stored_as_text_is_an_error(make: Callable[[str], bytes], word: str) -> None:
    assert first_cell(make(word)) == CellError(word)


@FORMATS
@pytest.mark.parametrize(
    "text", ["#1", "#12!", "#", "# REF!", "#ref!", "W-1 #REF!", "#A-1", "#Beam!", "Err:5", "Err:502 x"]
)
def test_another_text_with_a_number_sign_stays_a_text(make: Callable[[str], bytes], text: str) -> None:
    assert first_cell(make(text)) == text
