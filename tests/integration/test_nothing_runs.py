"""No cell of any download is a formula or a link, whatever names and files users have provided."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import odfdo
import openpyxl
import pytest
import xlsxwriter
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from precast_app.extensions import db
from precast_app.importing.schema import BASE_COLUMNS
from precast_app.projects import projects
from tests.conftest import run_import
from tests.libreoffice import SOFFICE, convert
from tests.unit.xlsb_files import convert_to_xlsb

HOSTILE = [
    "=1+1",
    '=HYPERLINK("http://evil.example","x")',
    "=cmd|'/c calc'!A0",
    "+3+3",
    "-3+3",
    "@SUM(A1)",
    "＝1+1",
    "＋3+3",
    "－3+3",
    "＠SUM(1)",
    "W1;=3+3;x",
    "W2; -3+3",
    'W3;"=3+3"',
    "W4|@SUM(A1)",
    '"=3+3',
    "'=3+3",
    "W5;'=3+3",
    "R&amp;D=1&lt;",
    "&=3+3&lt;;=1",
    "a +ACY- b;+1",
    "http://evil.example/x",
    "mailto:x@evil.example",
    "{=1+1}",
    "<f>1+1</f>",
    "internal:Summary!A1",
]
# Cells of files in which an import replaces the control characters by spaces.
RAW = ["\n=3+3", "\t=3+3", "\r=3+3", "W6\n=3+3", "W7\t=3+3", " =3+3", "\u200b=3+3"]
BASE_HEADINGS = [column.heading for column in BASE_COLUMNS]
_SIGNS = "=+-@＝＋－＠"
_SKIPPED = ' \t\r\n"\u200b\ufeff\xa0'
Walk = Callable[[bytes], Iterator[str]]


def starts_a_formula(cell: str) -> bool:
    """Return whether a program may run a text cell; a number or a single sign is not a formula."""
    found = cell.lstrip(_SKIPPED)
    return found[:1] != "" and found[0] in _SIGNS and not re.fullmatch(r"[+-][0-9.,]*", found)


def texts_of_csv(content: bytes) -> Iterator[str]:
    """Yield the cells of a CSV file as read by programs with each list separator, with and without quoting."""
    decoded = content.decode("utf-8-sig")
    for delimiter in ",;\t|":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE) if delimiter != "," else (csv.QUOTE_MINIMAL,):
            for row in csv.reader(io.StringIO(decoded), delimiter=delimiter, quoting=quoting):
                yield from row


def texts_of_xlsx(content: bytes) -> Iterator[str]:
    """Yield the texts of a workbook; fail if a part has a formula, a link or a name, except for those of printing."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            if name.endswith((".xml", ".rels", ".vml")):
                for element in ElementTree.fromstring(archive.read(name)).iter():
                    tag = element.tag.rpartition("}")[2]
                    is_for_printing = str(element.get("name")).startswith("_xlnm.Print_")
                    assert tag != "definedName" or is_for_printing, element.get("name")
                    assert tag not in ("f", "hyperlink", "ddeLink", "externalReference"), name
                    assert element.get("TargetMode") != "External", name
    book = openpyxl.load_workbook(io.BytesIO(content))
    for sheet in book:
        assert re.fullmatch(r"[^\[\]:*?/\\]{1,31}", sheet.title) and sheet.title.strip("'") == sheet.title
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f" and cell.hyperlink is None, cell.coordinate
                if isinstance(cell.value, str):
                    yield cell.value


def texts_of_ods(content: bytes) -> Iterator[str]:
    """Fail if an OpenDocument spreadsheet has formulas or links; its texts are not checked."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for element in ElementTree.fromstring(archive.read("content.xml")).iter():
            assert not [key for key in element.attrib if key.endswith("}formula")]
            assert element.tag.rpartition("}")[2] not in ("a", "dde-source", "dde-link")
    return iter(())


def add(client: FlaskClient, admin: dict[str, str], where: str, **body: Any) -> int:
    answer = client.post(f"/api/project/1/{where}", json=body, headers=admin)
    assert answer.status_code == 201, answer.get_json()
    return int(next(iter(answer.get_json().values()))["id"])


@pytest.fixture
def hostile(client: FlaskClient, admin: dict[str, str]) -> None:
    """Create a project with hostile names everywhere."""
    projects.create("=HYPERLINK(1);=3+3")
    for place, name in enumerate(HOSTILE):
        add(client, admin, "stages", name=f"{name} s")
        add(client, admin, "drawing-types", name=name)
        tower = add(client, admin, "hierarchy", name=f"{name} tower", naming_convention=f"=N{place}")
        for number in (1, 2):
            floor = {"name": f"{name} {number}", "naming_convention": f"=N{place}_{number}", "parent_id": tower}
            add(client, admin, "hierarchy", **floor, prefix="=3+3", description=f"\n{name}")
            add(client, admin, "bom-products", product_name=f"{name} p", product_type=f"{name} {number}", unit="=1+1")
    for name in HOSTILE:
        db.session.execute(
            text("""
                INSERT INTO element_types (project_id, element_type, name, type_key, name_key, version)
                VALUES (1, :name, :name, lower(:name), lower(:name), :name)
            """),
            {"name": name},
        )
    db.session.execute(
        text("""
            INSERT INTO element_type_drawings (element_type_id, drawing_type_id, file_name)
            SELECT e.id, d.id, e.name FROM element_types e JOIN drawing_types d ON d.id <= 3
        """)
    )
    db.session.commit()


def upload(path: Path, kind: str) -> Path:
    """Write a file with hostile headings, sheet names and cells, of which every row is rejected."""
    cells = [*HOSTILE, *RAW]
    headings = [*BASE_HEADINGS, *cells]
    rows = [[cell, cell, *["x"] * 7, cell, *cells] for cell in cells]
    file = path / f"={kind};=3+3.{kind}"
    if kind == "csv":
        with file.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([headings, *rows])
        return file
    if kind == "ods":
        document = odfdo.Document("spreadsheet")
        document.body.clear()
        table = odfdo.Table("=1+1;=2+2")
        for row in [headings, *rows]:
            table.append(odfdo.Row())
            table.set_row_values(len(table.rows) - 1, row)
        document.body.append(table)
        document.save(file)
        return file
    workbook = path / "made.xlsx"
    with xlsxwriter.Workbook(workbook, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheets = [book.add_worksheet("=1+1;=2+2"), book.add_worksheet("=x'=x'=x")]
        for sheet in sheets[: 1 if kind != "xlsx" else 2]:
            start = 0 if sheet is sheets[0] else 3
            for number, row in enumerate([headings, *rows]):
                for index, cell in enumerate(row[start:]):
                    sheet.write_string(number, index, cell)
        sheets[0].merge_range(0, 10, 0, 11, "")
        sheets[0].write_string(0, 10, "=HYPERLINK(1)")
    if kind == "xlsb":
        file.write_bytes(convert_to_xlsb(workbook))
    elif kind == "xls":
        file.write_bytes(convert(workbook, "xls").read_bytes())
    else:
        file.write_bytes(workbook.read_bytes())
    return file


def downloads(
    app: Flask, client: FlaskClient, admin: dict[str, str], jobs: Iterable[int]
) -> Iterator[tuple[str, bytes]]:
    """Yield the URL and the content of every download of the API."""
    for rule in app.url_map.iter_rules():
        is_read = "GET" in (rule.methods or ()) and rule.rule.startswith("/api")
        if not is_read or rule.arguments - {"project_id", "job_id"}:
            continue
        for job in jobs if "job_id" in rule.arguments else (0,):
            values = {name: {"project_id": 1, "job_id": job}[name] for name in rule.arguments}
            built = rule.build(values)
            assert built is not None
            with client.get(built[1], headers=admin) as answer:
                assert answer.status_code < 500, (built[1], answer.get_data(as_text=True))
                disposition = answer.headers.get("Content-Disposition", "")
                # A job's file is the unchanged upload.
                if answer.status_code == 200 and disposition.startswith("attachment") and built[1][-5:] != "/file":
                    yield built[1], answer.data


def texts_of(content: bytes) -> Iterator[str]:
    if not content.startswith(b"PK"):
        return texts_of_csv(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return texts_of_ods(content) if "content.xml" in archive.namelist() else texts_of_xlsx(content)


# Old workbooks are written by LibreOffice, if it is installed.
KINDS = ("csv", "xlsx", "xlsb", "ods", *(["xls"] if SOFFICE else []))


DOWNLOADS = {
    "/api/jobs/N/annotated",
    "/api/jobs/N/issues.csv",
    "/api/jobs/N/issues.xlsx",
    "/api/jobs/N/rejected",
    *(f"/api/project/N/{kind}/csv" for kind in ("hierarchy", "stages", "drawing-types", "bom-products")),
    "/api/project/N/export/excel",
    "/api/project/N/export_csv_element_type",
    "/api/project/N/template/csv",
    "/api/project/N/template/excel",
}


@pytest.mark.parametrize("address", ["export/excel", "export_csv_element_type"])
def test_hostile_names_survive_export_and_import(
    client: FlaskClient, admin: dict[str, str], hostile: None, tmp_path: Path, address: str
) -> None:
    """As element types, as drawings, and as headings."""
    path = tmp_path / "export"
    with client.get(f"/api/project/1/{address}", headers=admin) as answer:
        path.write_bytes(answer.data)
    done = run_import(1, path)
    assert (done.status, done.unchanged_count, done.total_items) == ("completed", len(HOSTILE), len(HOSTILE))
    issues = client.get(f"/api/jobs/{done.id}/issues?severity=warning", headers=admin).get_json()["issues"]
    # What a CSV file says of texts that look like those of other programs.
    assert {issue["code"] for issue in issues} <= {"utf_7", "html_entities"}


@pytest.mark.parametrize(
    ("kind", "job_type"),
    [
        ("stages", "stage"),
        ("drawing-types", "drawing_type"),
        ("bom-products", "bom_product"),
        ("hierarchy", "hierarchy"),
    ],
)
def test_hostile_reference_data_survives_export_and_import(
    client: FlaskClient, admin: dict[str, str], hostile: None, tmp_path: Path, kind: str, job_type: str
) -> None:
    path = tmp_path / "reference.csv"
    with client.get(f"/api/project/1/{kind}/csv", headers=admin) as answer:
        path.write_bytes(answer.data)
    done = run_import(1, path, f"{job_type}_import")
    assert (done.status, done.created_count, done.rejected_count) == ("completed", 0, 0), done.error


@pytest.fixture
def found(
    app: Flask, client: FlaskClient, admin: dict[str, str], hostile: None, tmp_path: Path
) -> dict[str, tuple[bytes, bool]]:
    """Return every download by its URL, and whether it is an annotated copy in the upload's own format."""
    jobs = {}
    for kind in KINDS:
        done = run_import(1, upload(tmp_path, kind))
        assert done.rejected_count > 20, (kind, done.error)
        jobs[done.id] = kind
    path = tmp_path / "=stages.csv"
    path.write_text("Name,Order\n" + "\n".join(f'"{name.replace(chr(34), chr(34) * 2)}",two' for name in HOSTILE))
    jobs[run_import(1, path, "stage_import").id] = "stages"
    kept = {f"/api/jobs/{job}/annotated" for job, kind in jobs.items() if kind in ("xlsx", "ods")}
    got = {address: (content, address in kept) for address, content in downloads(app, client, admin, jobs)}
    assert {re.sub(r"\d+", "N", address) for address in got} >= DOWNLOADS
    assert len([address for address in got if address.endswith("/rejected")]) == len(jobs)
    return got


def test_no_download_contains_a_formula(found: dict[str, tuple[bytes, bool]]) -> None:
    for address, (content, is_upload) in found.items():
        # A copy in the upload's own format keeps the upload's texts.
        bad = [cell for cell in texts_of(content) if starts_a_formula(cell) and not is_upload]
        assert not bad, (address, bad[:5])


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed: there is no `soffice` to run")
def test_libreoffice_finds_no_formula_in_any_download(found: dict[str, tuple[bytes, bool]], tmp_path: Path) -> None:
    """LibreOffice evaluates every formula of a text file that it opens, with any list separator."""
    files = []
    for number, (content, _) in enumerate(found.values()):
        files.append(tmp_path / f"{number}.{'xlsx' if content.startswith(b'PK') else 'csv'}")
        files[-1].write_bytes(content)
    workbooks = [path for path in files if path.suffix == ".xlsx"]
    rounds = [(workbooks, "")]
    rounds += [([path for path in files if path not in workbooks], separator) for separator in ",;\t"]
    for paths, separator in rounds:
        folder = tmp_path / f"converted_{ord(separator or '0')}"
        filters = [f"--infilter=CSV:{ord(separator)},34,76,1"] if separator else []
        command = [str(SOFFICE), f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", *filters,
                   "--convert-to", "xlsx", "--outdir", str(folder), *map(str, paths)]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        for path in paths:
            for _ in texts_of_xlsx((folder / f"{path.stem}.xlsx").read_bytes()):
                pass
