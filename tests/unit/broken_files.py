"""Files of every format with something done to them: `FUZZ_SEED` says what."""

from __future__ import annotations

import io
import os
import random
import zipfile
from collections.abc import Callable
from functools import partial

from tests.conftest import EXAMPLES, ROOT
from tests.unit.xlsb_files import rewritten

SEED = int(os.environ.get("FUZZ_SEED", "1"))

_SAMPLE = EXAMPLES / "element_types.xlsx"
_LIBREOFFICE = ROOT / "tests" / "files"
FILES: dict[str, Callable[[], bytes]] = {
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


def mutated(name: str, run: int) -> bytes:
    """The run-th broken file made of one of `FILES`; always the same for the same `SEED`."""
    content = FILES[name]()
    chance = random.Random(f"{SEED}/{name}/{run}")
    is_zip = content.startswith(b"PK")
    return repacked(content, chance) if is_zip and chance.random() < 0.8 else broken(content, chance)
