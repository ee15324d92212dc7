"""Broken files of every format end in rows or in a refusal, never in another exception.

`FUZZ_RUNS` says how many of each format are tried (`make fuzz` tries many), `FUZZ_SEED` which ones.
"""

from __future__ import annotations

import io
import os
import random
import zipfile
from collections.abc import Callable
from functools import partial

import pytest

from precast_app.errors import JobFailed
from precast_app.importing import headers, rows
from precast_app.importing.reference import Reference
from precast_app.spreadsheets import FileRefused, Limits, open_book
from tests.conftest import EXAMPLES, ROOT
from tests.unit.xlsb_files import rewritten

RUNS = int(os.environ.get("FUZZ_RUNS", "40"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))

_SAMPLE = EXAMPLES / "element_types.xlsx"
_LIBREOFFICE = ROOT / "tests" / "files"
_FILES: dict[str, Callable[[], bytes]] = {
    "xlsx": _SAMPLE.read_bytes,
    "csv": (EXAMPLES / "element_types.csv").read_bytes,
    "libreoffice.xlsx": (_LIBREOFFICE / "green_meadows_libreoffice.xlsx").read_bytes,
    "ods": (_LIBREOFFICE / "green_meadows_libreoffice.ods").read_bytes,
    "xls": (_LIBREOFFICE / "green_meadows_libreoffice.xls").read_bytes,
    "xlsb": partial(rewritten, _SAMPLE),
}
_WORDS = [
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    b"&a;",
    b'r="XFD1048576"',
    b'ref="A1:XFD1048576"',
    b'table:number-rows-repeated="1048576"',
    b'table:number-columns-repeated="16384"',
    b"</row>",
    b"</table:table-row>",
    b'<c t="s"><v>99999999</v></c>',
    *(b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b'"', b"\r", b",,,,,,", b"=1+1"),
    b"\xff\xff\xff\x7f",
    *(b"nan", b"1e999", b"-1", b'office:value="x"', b"]]>", b"<![CDATA["),
]
# What the project has is no matter here.
_NOTHING = Reference(1, (), (), (), (), {})


def broken(content: bytes, chance: random.Random) -> bytes:
    """The bytes with something done to them: flipped, cut out, doubled, or a word put in."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 30))):
        place = chance.randrange(len(data) + 1)
        size = chance.choice((1, 2, 8, 100, 4_000))
        match chance.randrange(4):
            case 0:
                data[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[place : place + size]
            case 2:
                data[place:place] = data[place : place + size]
            case _:
                data[place:place] = chance.choice(_WORDS)
        if not data:
            return b""
    return bytes(data)


def repacked(content: bytes, chance: random.Random) -> bytes:
    """A zip with a part broken, dropped, or changed for another one."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    # The larger parts are the ones with the sheets.
    name = chance.choices(list(parts), weights=[len(part) ** 0.5 + 1 for part in parts.values()])[0]
    match chance.randrange(6):
        case 0:
            del parts[name]
        case 1:
            parts[name] = chance.choice(list(parts.values()))
        case _:
            parts[name] = broken(parts[name], chance)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, part in parts.items():
            archive.writestr(each, part)
    return out.getvalue()


@pytest.mark.parametrize("name", _FILES)
def test_a_broken_file_is_read_or_refused(name: str) -> None:
    content = _FILES[name]()
    outcomes = {"read": 0, "refused": 0}
    for run in range(RUNS):
        chance = random.Random(f"{SEED}/{name}/{run}")
        is_zip = content.startswith(b"PK")
        mutated = repacked(content, chance) if is_zip and chance.random() < 0.8 else broken(content, chance)
        try:
            book = open_book(io.BytesIO(mutated), Limits(rows=20_000, cells=1_000_000))
            headers.count_rows(book)
            columns, _ = headers.match(book, _NOTHING)
            for _ in rows.validate(book.rows(columns.sheet), columns):
                pass
            outcomes["read"] += 1
        except (FileRefused, JobFailed) as refusal:
            assert len(str(refusal)) > 20
            outcomes["refused"] += 1
        except BaseException as error:
            raise AssertionError(f"run {run} of {name} with seed {SEED}") from error
    # Both happen, unless there are but a few runs.
    assert RUNS < 40 or min(outcomes.values()) > 0
