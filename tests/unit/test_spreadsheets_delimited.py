"""CSV files."""

from __future__ import annotations

import io

import pytest

from precast_app.spreadsheets import Limits, SheetRow, UnreadableFile, column_letter, open_book
from precast_app.spreadsheets.sheet import HEAD_ROWS


def rows_of(content: bytes, limits: Limits | None = None) -> list[tuple[int, list[object]]]:
    book = open_book(io.BytesIO(content), limits or Limits())
    assert (book.format, book.sheets) == ("csv", ("",))
    return [(row.number, list(row.cells)) for row in book.rows("")]


def code_of(content: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(UnreadableFile) as caught:
        rows_of(content, limits)
    return caught.value.code


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_utf_8_with_and_without_byte_order_mark(mark: bytes, end: str) -> None:
    content = mark + f"Type,Größe{end}WALL,007{end}".encode()
    assert rows_of(content) == [(1, ["Type", "Größe"]), (2, ["WALL", "007"])]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_detected_from_the_header(delimiter: str) -> None:
    content = f'"a,;\t|,;\t|"{delimiter}b{delimiter}c\n1{delimiter}"2,5"{delimiter}\n'.encode()
    assert rows_of(content) == [(1, ["a,;\t|,;\t|", "b", "c"]), (2, ["1", "2,5", ""])]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", ":"])
@pytest.mark.parametrize("line", ["sep={}", '"sep={}"', "SEP={},,", "sep={}|||"])
def test_the_first_line_can_name_the_delimiter(delimiter: str, line: str) -> None:
    content = f"{line.format(delimiter)}\r\na,1{delimiter}b\r\n1{delimiter}2\r\n".encode()
    first = ["a", "1", "b"] if delimiter == "," else ["a,1", "b"]
    assert rows_of(content) == [(1, first), (2, ["1", "2"])]
    assert "delimiter" in notes_of(content)


def test_rows_have_the_numbers_that_excel_shows() -> None:
    content = b'a,b\n\n"two\nlines",x\n , \n,,\nshort\n1,2,3\n'
    assert rows_of(content) == [
        (1, ["a", "b"]),
        (3, ["two\nlines", "x"]),
        (6, ["short"]),
        (7, ["1", "2", "3"]),
    ]


def test_the_scan_counts_rows_and_keeps_the_first_ones() -> None:
    content = b"".join(b"%d,x\n\n" % n for n in range(HEAD_ROWS + 12))
    found = open_book(io.BytesIO(content)).scan("")
    assert (found.row_count, found.merged, dict(found.error_cells)) == (HEAD_ROWS + 12, (), {})
    assert found.head[7] == SheetRow(15, ["7", "x"])
    assert len(found.head) == HEAD_ROWS


def notes_of(content: bytes) -> dict[str, str]:
    """Return the severity of each note by its code, after all rows have been read."""
    book = open_book(io.BytesIO(content))
    list(book.rows(""))
    return {note.code: note.severity for note in book.notes}


@pytest.mark.parametrize(
    ("encoding", "code"),
    [("cp1252", "windows_1252"), ("utf-16", "encoding"), ("utf-16-le", "encoding"), ("utf-16-be", "encoding")],
)
def test_other_encodings_are_read_and_reported(encoding: str, code: str) -> None:
    content = "Type,Größe\nWände,x\n".encode(encoding)
    assert rows_of(content) == [(1, ["Type", "Größe"]), (2, ["Wände", "x"])]
    assert code in notes_of(content)


def test_a_windows_1252_letter_far_from_the_start() -> None:
    content = b"a,b\n" * 50_000 + b"\xe4,x\n"
    assert rows_of(content)[-1] == (50_001, ["ä", "x"])


def test_bytes_that_are_not_text_in_any_encoding() -> None:
    assert code_of(b"a,b\n\x81\x8d,x\n") == "unknown_encoding"
    assert code_of("a,b\n".encode("utf-16") + b"x") == "unknown_encoding"


def test_a_text_longer_than_any_cell() -> None:
    assert code_of(b"a,b\n" + b"x" * 200_000 + b",y\n") == "cell_too_long"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Bolts +ACY- nuts", "Bolts & nuts"),
        ("+AMQ-rger +- +ACI-x+ACI-", 'Ärger + "x"'),
        ("Bolts &amp; nuts", "Bolts & nuts"),
        ("&lt;100&#176;&gt;", "<100°>"),
        ("C+D", "C+D"),
        ("A+B-C", "A+B-C"),
        ("1+ABC-2", "1+ABC-2"),
        ("+-", "+-"),
        ("R&D; x", "R&D; x"),
        ("Smith & Sons", "Smith & Sons"),
    ],
)
def test_cells_in_utf_7_or_with_html_entities_are_decoded(written: str, read: str) -> None:
    content = f'a,b\n"{written}",x\n'.encode()
    assert rows_of(content)[1] == (2, [read, "x"])
    decoded = {"utf_7", "html_entities"} & set(notes_of(content))
    assert bool(decoded) == (written != read)


def test_a_message_before_the_first_heading() -> None:
    content = b'{"message":"Export, done","n":[1]}Element Type,Name\nWALL,W-1\n'
    assert rows_of(content) == [(1, ["Element Type", "Name"]), (2, ["WALL", "W-1"])]
    assert notes_of(content)["message_before_headings"] == "warning"
    assert rows_of(b"{Type},Name\nWALL,W-1\n")[0] == (1, ["{Type}", "Name"])


@pytest.mark.parametrize(
    ("rows", "comma", "severity"),
    [
        ("0,5;x", True, "info"),
        ("1.200,5;x", True, "info"),
        ("0.5;x", False, "info"),
        ("1,200.5;x", False, "info"),
        ("1,200;x", True, "warning"),
        ("1,200;0.5\n", False, "info"),
        ("7;x", True, "info"),
    ],
)
def test_the_decimal_separator_is_detected(rows: str, comma: bool, severity: str) -> None:
    content = f"a;b\n{rows}\n".encode()
    assert open_book(io.BytesIO(content)).decimal_comma is comma
    assert notes_of(content)["decimal_sign"] == severity


def test_a_comma_between_fields_is_not_a_decimal_separator() -> None:
    assert open_book(io.BytesIO(b'a,b\n"0,5",x\n')).decimal_comma is False


def test_limits_of_rows_columns_and_characters() -> None:
    assert code_of(b"a\nb\nc\n", Limits(rows=2)) == "too_many_rows"
    assert code_of(b"a,b,c\n", Limits(columns=2)) == "too_many_columns"
    assert code_of(b"abc\n", Limits(cell_characters=2)) == "cell_too_long"
    assert rows_of(b"ab,b,,\n\n", Limits(rows=1, columns=2, cell_characters=2)) == [(1, ["ab", "b"])]


@pytest.mark.parametrize("after", ["", "3,4\n", "3,4\n" * 100_000])
def test_a_quotation_mark_that_is_never_closed(after: str) -> None:
    with pytest.raises(UnreadableFile, match="After row 2 a quotation mark") as caught:
        rows_of(f'a,b\n0,0\n1,"2\n{after}'.encode())
    assert caught.value.code == "quotation_mark_never_closed"


def test_a_quotation_mark_inside_a_text() -> None:
    assert rows_of(b'a,b\n6" pipe,7" pipe\n')[1] == (2, ['6" pipe', '7" pipe'])


def test_zero_bytes_far_from_the_start() -> None:
    assert code_of(b"a,b\n" * 50_000 + b"\0") == "not_a_spreadsheet"


def test_headings_that_look_like_a_magic_number_are_text() -> None:
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
def test_letters_of_a_column(column: int, letters: str) -> None:
    assert column_letter(column) == letters


def test_text_after_the_closing_quotation_mark_of_several_lines_is_refused() -> None:
    """Two rows with a stray quotation mark each would become one."""
    with pytest.raises(UnreadableFile, match="Row 2 continues over several lines") as caught:
        rows_of(b'a,b\n"W-101"",x\n"W-102"",y\n')
    assert caught.value.code == "text_after_quotation_mark"
    assert rows_of(b'a,b\n"W-""101""\nx",y\n')[1] == (2, ['W-"101"\nx', "y"])


@pytest.mark.parametrize("end", [b"\x1a", b"\x1a\x1a", b"\r\n\x1a", b"\r\n\x1a\r\n"])
def test_the_mark_at_the_end_of_a_dos_file_is_ignored(end: bytes) -> None:
    assert rows_of(b"a,b\r\n1,2" + end) == [(1, ["a", "b"]), (2, ["1", "2"])]
    assert code_of(b"\x1a") == "empty_file"


def replaced_in(
    content: bytes, text_columns: frozenset[int] = frozenset()
) -> list[tuple[str, int | None, str | None, str | None]]:
    book = open_book(io.BytesIO(content))
    list(book.rows("", text_columns))
    return [
        (note.code, note.row, note.column, note.value)
        for note in book.notes
        if note.code in ("date_in_text", "rounded_number", "hidden_value")
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("01-Feb", "date_in_text"),
        ("Feb-01", "date_in_text"),
        ("01. Mrz", "date_in_text"),
        ("1-Feb-24", "date_in_text"),
        ("01/févr", "date_in_text"),
        ("1-gen", "date_in_text"),
        ("wrz-24", "date_in_text"),
        ("3. kesä", "date_in_text"),
        ("Ağu.-24", "date_in_text"),
        ("1-фев", "date_in_text"),
        ("1.23457E+11", "rounded_number"),
        ("1,23457E+11", "rounded_number"),
        ("4E+15", "rounded_number"),
        ("########", "hidden_value"),
    ],
)
def test_a_value_that_excel_replaced_is_reported_by_cell(text: str, code: str) -> None:
    content = f"a;b\n\nx;{text}\n".encode()
    assert rows_of(content)[1] == (3, ["x", text])
    assert replaced_in(content) == [(code, 3, "B", text)]


@pytest.mark.parametrize(
    "text",
    [
        "SET-1",
        "LIP 24",
        "1.5E-05",
        "2.972E3",
        "1E+5",
        "W-01",
        "Marble-1",
        "1-2",
        "#",
        "12 Maybe",
        "a ###",
        "1/2/2024",
        "1:02",
    ],
)
def test_other_values_are_not_reported(text: str) -> None:
    assert replaced_in(f"a;b\nx;{text}\n".encode()) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1/2/2003", "date_in_text"),
        ("01.02.2003", "date_in_text"),
        ("2003-02-01", "date_in_text"),
        ("2003-02-01 00:00:00", "date_in_text"),
        ("01:02", "date_in_text"),
        ("1:02:00 AM", "date_in_text"),
        ("1.00E+05", "rounded_number"),
    ],
)
def test_a_date_or_a_number_in_a_column_of_texts_is_reported(text: str, code: str) -> None:
    content = f"{text};{text}\n".encode()
    assert replaced_in(content, frozenset({1})) == [(code, 1, "B", text)]


@pytest.mark.parametrize("text", ["W-1-2", "1.2.10", "1-2-3", "10/20", "1:2", "W 1:50", "3000.5"])
def test_other_texts_in_a_column_of_texts_are_not_reported(text: str) -> None:
    assert replaced_in(f"a;{text}\n".encode(), frozenset({1})) == []


def test_only_fifty_replaced_values_are_listed() -> None:
    found = replaced_in(b"a,b\n" + b"01-Feb,01-Mar\n" * 30)
    assert len(found) == 51
    assert found[-1] == ("date_in_text", None, None, None)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('="0012"', "0012"),
        ('"=""0012"""', "0012"),
        ('"=""a""""b"""', 'a"b'),
        ('=""', ""),
        ('="1"&"2"', '="1"&"2"'),
        ('="1', '="1'),
        ('\'="1"', '\'="1"'),
        ('="1" ', '="1" '),
    ],
)
def test_a_formula_that_is_only_a_text_is_read_as_its_text(written: str, read: str) -> None:
    assert rows_of(f"a,b\nx,{written}\n".encode())[1] == (2, ["x", read])
