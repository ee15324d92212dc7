"""CSV files."""

from __future__ import annotations

import io

import pytest

from precast_app.spreadsheets import FileRefused, Limits, SheetRow, column_letter, open_book


def rows_of(content: bytes, limits: Limits | None = None) -> list[tuple[int, list[object]]]:
    book = open_book(io.BytesIO(content), limits or Limits())
    assert (book.format, book.sheets) == ("csv", ("",))
    return [(row.number, list(row.cells)) for row in book.rows("")]


def code_of(content: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(FileRefused) as caught:
        rows_of(content, limits)
    return caught.value.code


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_utf_8_with_and_without_byte_order_mark(mark: bytes, end: str) -> None:
    content = mark + f"Type,Größe{end}WALL,007{end}".encode()
    assert rows_of(content) == [(1, ["Type", "Größe"]), (2, ["WALL", "007"])]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_told_by_the_header(delimiter: str) -> None:
    content = f'"a,;\t,;\t"{delimiter}b{delimiter}c\n1{delimiter}"2,5"{delimiter}\n'.encode()
    assert rows_of(content) == [(1, ["a,;\t,;\t", "b", "c"]), (2, ["1", "2,5", ""])]


def test_rows_have_the_numbers_that_excel_shows() -> None:
    content = b'a,b\n\n"two\nlines",x\n , \n,,\nshort\n1,2,3\n'
    assert rows_of(content) == [
        (1, ["a", "b"]),
        (3, ["two\nlines", "x"]),
        (6, ["short"]),
        (7, ["1", "2", "3"]),
    ]


def test_the_scan_counts_rows_and_keeps_the_first_eight() -> None:
    content = b"".join(b"%d,x\n\n" % n for n in range(20))
    found = open_book(io.BytesIO(content)).scan("")
    assert (found.row_count, found.merged, dict(found.faults)) == (20, (), {})
    assert found.head[7] == SheetRow(15, ["7", "x"])
    assert len(found.head) == 8


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("Größe,a\n".encode("cp1252"), id="Windows-1252"),
        pytest.param(b"a,b\n" * 50_000 + b"\xff\n", id="far behind the beginning"),
        pytest.param("a,b\n".encode("utf-16"), id="UTF-16"),
        pytest.param("Type,Name\n".encode("utf-16-le"), id="UTF-16 without mark"),
    ],
)
def test_other_encodings_are_refused(content: bytes) -> None:
    assert code_of(content) == "not_utf8"


def test_limits_of_rows_columns_and_characters() -> None:
    assert code_of(b"a\nb\nc\n", Limits(rows=2)) == "too_many_rows"
    assert code_of(b"a,b,c\n", Limits(columns=2)) == "too_many_columns"
    assert code_of(b"abc\n", Limits(cell_characters=2)) == "cell_too_long"
    assert rows_of(b"ab,b,,\n\n", Limits(rows=1, columns=2, cell_characters=2)) == [(1, ["ab", "b"])]


def test_a_quotation_mark_that_is_never_closed() -> None:
    with pytest.raises(FileRefused) as caught:
        rows_of(b'a,b\n1,"2\n' + b"3,4\n" * 100_000)
    assert (caught.value.code, "row 1 " in caught.value.message) == ("cell_too_long", True)


def test_zero_bytes_far_behind_the_beginning() -> None:
    assert code_of(b"a,b\n" * 50_000 + b"\0") == "not_a_spreadsheet"


def test_headings_that_look_like_a_magic_are_text() -> None:
    assert rows_of(b"BMS,MZ\n1,2\n")[0] == (1, ["BMS", "MZ"])


def test_the_file_stays_open() -> None:
    file = io.BytesIO(b"a,b\n1,2\n")
    book = open_book(file)
    assert list(book.rows("")) == list(book.rows(""))
    assert not file.closed


@pytest.mark.parametrize(
    ("column", "letters"),
    [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (702, "ZZ"), (703, "AAA"), (16384, "XFD")],
)
def test_letters_over_a_column(column: int, letters: str) -> None:
    assert column_letter(column) == letters
