"""Randomly broken files of every format; `FUZZ_SEED` selects the damage."""

from __future__ import annotations

import io
import os
import random
import zipfile
from collections.abc import Callable
from functools import cache, partial

from tests.conftest import EXAMPLES, ROOT
from tests.unit.xlsb_files import convert_to_xlsb

SEED = int(os.environ.get("FUZZ_SEED", "1"))

_SAMPLE = EXAMPLES / "element_types.xlsx"
_LIBREOFFICE = ROOT / "tests" / "files"
FILES: dict[str, Callable[[], bytes]] = {
    "xlsx": _SAMPLE.read_bytes,
    "csv": (EXAMPLES / "element_types.csv").read_bytes,
    "libreoffice.xlsx": (_LIBREOFFICE / "green_meadows_libreoffice.xlsx").read_bytes,
    "ods": (_LIBREOFFICE / "green_meadows_libreoffice.ods").read_bytes,
    "xls": (_LIBREOFFICE / "green_meadows_libreoffice.xls").read_bytes,
    "xlsb": partial(convert_to_xlsb, _SAMPLE),
}
# Lists in the shape of other offices.
OFFICE_LISTS: dict[str, Callable[[], bytes]] = {
    path.name: path.read_bytes for path in sorted((_LIBREOFFICE / "other_offices").iterdir())
}
_FRAGMENTS = [
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


def damage_bytes(content: bytes, rng: random.Random) -> bytes:
    """Return the bytes with random damage: changed, deleted, repeated or inserted bytes."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        offset = rng.randrange(len(data) + 1)
        size = rng.choice((1, 2, 8, 100, 4_000))
        match rng.randrange(4):
            case 0:
                data[offset : offset + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[offset : offset + size]
            case 2:
                data[offset:offset] = data[offset : offset + size]
            case _:
                data[offset:offset] = rng.choice(_FRAGMENTS)
        if not data:
            return b""
    return bytes(data)


def damage_zip(content: bytes, rng: random.Random) -> bytes:
    """Return a zip file in which one part is broken, deleted or replaced by another part."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    # Prefer large parts, which contain the sheets.
    name = rng.choices(list(parts), weights=[len(part) ** 0.5 + 1 for part in parts.values()])[0]
    match rng.randrange(6):
        case 0:
            del parts[name]
        case 1:
            parts[name] = rng.choice(list(parts.values()))
        case _:
            parts[name] = damage_bytes(parts[name], rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, part in parts.items():
            archive.writestr(each, part)
    return out.getvalue()


@cache
def _intact_file(name: str) -> bytes:
    return (FILES | OFFICE_LISTS)[name]()


def broken_file(name: str, run: int) -> bytes:
    """Return the run-th broken variant of a file or office list, always the same for the same `SEED`."""
    content = _intact_file(name)
    rng = random.Random(f"{SEED}/{name}/{run}")
    is_zip = content.startswith(b"PK")
    return damage_zip(content, rng) if is_zip and rng.random() < 0.8 else damage_bytes(content, rng)
