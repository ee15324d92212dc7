"""What has been imported, read back: element types, pieces, sums; and a piece on its way."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import EXAMPLES, run_import
from tests.element_type_files import SAMPLE_TOTALS

PROJECT = "/api/project/1"


@pytest.fixture
def imported(green_meadows: int) -> int:
    assert run_import(green_meadows, EXAMPLES / "element_types.xlsx").status == "completed"
    return green_meadows


def get(client: FlaskClient, headers: dict[str, str], path: str) -> dict[str, Any]:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def sample() -> list[dict[str, str]]:
    with (EXAMPLES / "element_types.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_exported_cell_is_read_back_with_its_value(
    client: FlaskClient, admin: dict[str, str], green_meadows: int
) -> None:
    run_import(green_meadows, EXAMPLES / "element_types.csv")
    listed = get(client, admin, f"{PROJECT}/element-types")
    assert (listed["count"], len(listed["element_types"])) == (120, 120)
    ids = {(each["element_type"], each["name"]): each["id"] for each in listed["element_types"]}
    for row in sample()[::10]:
        found = get(client, admin, f"{PROJECT}/element-types/{ids[row['Element Type'], row['Element Type Name']]}")
        row["Element Type Version"] = row["Element Type Version"] or "VR-1"
        assert as_file_row(found["element_type"], row) == {
            heading: short_form(cell) for heading, cell in row.items() if is_said(cell)
        }
        assert [each["change"] for each in found["element_type"]["jobs"]] == ["created"]


def short_form(cell: str) -> str:
    """Return a number without zeros at the end of its decimals: `952.0` is 952."""
    return cell.rstrip("0").rstrip(".") if re.fullmatch(r"\d+\.\d+", cell) else cell


def is_said(cell: str) -> bool:
    return cell not in ("", "no", "0")


def as_file_row(found: dict[str, Any], row: dict[str, str]) -> dict[str, str]:
    """Return an element type as a row of the CSV file, by heading."""

    def named(group: str, name: str) -> str:
        return f"{group}_{name}" if f"{group}_{name}" in row else name

    measures = ("Height", "Length", "Thickness", "Mass", "Volume", "Area", "Width")
    return {
        "Element Type": found["element_type"],
        "Element Type Name": found["name"],
        **{heading: str(found[heading.lower()]) for heading in measures if found[heading.lower()] is not None},
        "Element Type Version": found["version"],
        **{named("Drawing Types", each["drawing_type"]): each["file_name"] for each in found["drawings"]},
        **{each["path"]: str(each["quantity"]) for each in found["quantities"]},
        **{named("Stages", each["stage"]): "yes" for each in found["stages"]},
        **{each["product"]: str(each["quantity"]) for each in found["bom"]},
    }


def test_element_types_are_found(client: FlaskClient, admin: dict[str, str], imported: int) -> None:
    first = get(client, admin, f"{PROJECT}/element-types?limit=1")["element_types"][0]
    kind, name = first["element_type"], first["name"]
    by_type = get(client, admin, f"{PROJECT}/element-types?type={kind.lower()}")
    assert {each["element_type"] for each in by_type["element_types"]} == {kind}
    assert 0 < by_type["count"] < 120
    by_name = get(client, admin, f"{PROJECT}/element-types?search={name.lower()}")
    assert name in {each["name"] for each in by_name["element_types"]}
    assert get(client, admin, f"{PROJECT}/element-types?search=%25")["count"] == 0
    node = get(client, admin, f"{PROJECT}/hierarchy")["hierarchy"][-1]["id"]
    stage = get(client, admin, f"{PROJECT}/stages")["stages"][0]["id"]
    both = get(client, admin, f"{PROJECT}/element-types?node={node}&stage={stage}")
    for each in both["element_types"]:
        whole = get(client, admin, f"{PROJECT}/element-types/{each['id']}")["element_type"]
        assert node in [quantity["node_id"] for quantity in whole["quantities"]]
        assert stage in [passed["stage_id"] for passed in whole["stages"]]
    page = get(client, admin, f"{PROJECT}/element-types?limit=7&offset=119")
    assert (page["count"], len(page["element_types"])) == (120, 1)


def test_element_types_in_an_order_and_without_a_drawing(
    client: FlaskClient, admin: dict[str, str], imported: int
) -> None:
    for sort, name, reverse in (("height", "Height", False), ("-mass", "Mass", True)):
        found = get(client, admin, f"{PROJECT}/element-types?sort={sort}")["element_types"]
        values = [Decimal(each[name.lower()]) for each in found if each[name.lower()] is not None]
        assert values == sorted(values, reverse=reverse)
        assert all(each[name.lower()] is None for each in found[len(values) :]), "those without a value come last"
    kinds = get(client, admin, f"{PROJECT}/drawing-types")["drawing_types"]
    for kind in kinds:
        found = get(client, admin, f"{PROJECT}/element-types?without_drawing={kind['id']}")["element_types"]
        assert {each["name"] for each in found} == {
            row["Element Type Name"] for row in sample() if not row[kind["name"]].strip()
        }
    assert client.get(f"{PROJECT}/element-types?sort=colour", headers=admin).status_code == 422


def test_the_summary_adds_up(client: FlaskClient, admin: dict[str, str], imported: int) -> None:
    summary = get(client, admin, f"{PROJECT}/summary")["summary"]
    assert {name: summary[name] for name in SAMPLE_TOTALS} == SAMPLE_TOTALS
    assert sum(each["pieces"] for each in summary["by_node"]) == SAMPLE_TOTALS["pieces"]
    assert sum(each["planned"] for each in summary["by_node"]) == SAMPLE_TOTALS["pieces"]
    floors = [each for each in summary["by_node"] if each["tower"] == "Tower_A" and each["floor"]]
    assert [each["path"] for each in floors] == [f"Tower_A.{each['floor']}" for each in floors]
    steel = summary["materials"][0]
    needed = Decimal(0)
    nodes = {each["path"] for each in summary["by_node"]}
    for row in sample():
        pieces = sum(int(Decimal(row[path] or 0)) for path in nodes if path in row)
        needed += Decimal(row[steel["product"]] or 0) * pieces
    assert Decimal(str(steel["quantity"])) == needed


def test_pieces_by_node_type_and_status(client: FlaskClient, admin: dict[str, str], imported: int) -> None:
    body = get(client, admin, f"{PROJECT}/elements?limit=5")
    assert (body["count"], len(body["elements"])) == (SAMPLE_TOTALS["pieces"], 5)
    piece = body["elements"][0]
    assert {"id", "code", "status", "number", "element_type_id", "node_id", "created_at"} <= set(piece)
    assert re.fullmatch(r"[A-Z]+/\w+/\d{4}", piece["code"])
    narrowed = get(client, admin, f"{PROJECT}/elements?node={piece['node_id']}&type={piece['element_type_id']}")
    assert piece in narrowed["elements"]
    assert get(client, admin, f"{PROJECT}/elements?status=erected")["count"] == 0
